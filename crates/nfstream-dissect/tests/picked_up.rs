//! Flows of which the capture has only a part: one direction, or packets from the middle on, at
//! ports that their protocols rarely use.

use std::net::{Ipv4Addr, SocketAddr};

use nfstream_dissect::{Config, Direction, Dissector, Endpoints, Flow, Packet, Segment};

const TCP: u8 = 6;
const UDP: u8 = 17;
/// A port that no protocol claims.
const ODD: u16 = 40_001;

/// Label, transport, port of the receiver of the first packet, and the packets: the first of a pair
/// is 0 for the sender of the first packet, 1 for the other end.
type Part = (&'static str, u8, u16, &'static [(u8, &'static [u8])]);

const PARTS: &[Part] = &[
    // Terminals and files.
    ("SSH", TCP, ODD, &[(0, b"SSH-2.0-dropbear_2022.83\r\n")]),
    ("SSH", TCP, ODD, &[(0, b"\0\0\x05\xdc\x04\x14aaaaaaaaaaaaaaaa\0\0\0\x1acurve25519-sha256,diffie-h")]),
    ("FTP_CONTROL", TCP, ODD, &[(0, b"220 (vsFTPd 3.0.3)\r\n331 Please specify the password.\r\n230 Login successful.\r\n")]),
    ("FTP_CONTROL", TCP, ODD, &[(0, b"USER anonymous\r\nPASS me@example.com\r\nSYST\r\nPASV\r\n")]),
    ("FTP_CONTROL", TCP, ODD, &[(0, b"PASV\r\n"), (1, b"227 Entering Passive Mode (192,0,2,1,200,10).\r\n")]),
    ("FTP_CONTROL", TCP, 21, &[(0, b"TYPE I\r\n"), (1, b"200 Switching to Binary mode.\r\n")]),
    ("FTP_CONTROL", TCP, 21, &[(0, b"150 Opening BINARY mode data connection for a (12 bytes).\r\n226 Transfer complete.\r\n")]),
    ("FTP_CONTROL", TCP, ODD, &[(0, b"EPSV\r\n"), (1, b"229 Entering Extended Passive Mode (|||51210|)\r\n")]),
    ("Telnet", TCP, ODD, &[(0, b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\xff\xfd\x27")]),
    ("Telnet", TCP, ODD, &[(0, b"\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x18")]),
    ("Telnet", TCP, ODD, &[(0, b"\xff\xfa\x18\0XTERM\xff\xf0")]),
    ("Rlogin", TCP, 513, &[(0, b"\0user\0user\0xterm/38400\0")]),
    ("VNC", TCP, ODD, &[(0, b"RFB 003.008\n")]),
    ("X11", TCP, ODD, &[(0, b"l\0\x0b\0\0\0\0\0\0\0\0\0")]),
    ("RSYNC", TCP, ODD, &[(0, b"@RSYNCD: 31.0 sha512\n")]),
    ("NFS", TCP, 2049, &[(0, b"\x80\0\0\x28\x12\x34\x56\x78\0\0\0\0\0\0\0\x02\0\x01\x86\xa3\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")]),
    ("NFS", TCP, 2049, &[(0, b"\x80\0\0\x18\x12\x34\x56\x78\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")]),
    ("NetBIOS.SMBv1", TCP, ODD, &[(0, b"\0\0\0\x23\xffSMB\x72\0\0\0\0\x98\x53\xc8\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xfe\0\0\0\0\0\0\0")]),
    ("SMBv23", TCP, ODD, &[(0, b"\0\0\0\x44\xfeSMB\x40\0\x01\0\0\0\0\0\x0d\0\x01\0\x01\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0")]),
    ("NetBIOS", TCP, 139, &[(0, b"\x81\0\0\x44 EGEMFDEFFCFGEFFCCACACACACACACACA\0 EDEMEJEFEOFECACACACACACACACACAAA\0")]),
    ("NetBIOS", TCP, 139, &[(0, b"\x82\0\0\0")]),
    // Mail and news.
    ("SMTP", TCP, ODD, &[(0, b"220 mail.example.com ESMTP Postfix\r\n250-mail.example.com\r\n250-PIPELINING\r\n")]),
    ("SMTP", TCP, ODD, &[(0, b"EHLO me.example.com\r\nMAIL FROM:<a@example.com>\r\n")]),
    ("SMTP", TCP, ODD, &[(0, b"MAIL FROM:<a@example.com> SIZE=100\r\n"), (1, b"250 2.1.0 Ok\r\n")]),
    ("SMTP", TCP, ODD, &[(0, b"RCPT TO:<b@example.com>\r\n"), (1, b"250 2.1.5 Ok\r\n")]),
    ("SMTP", TCP, 25, &[(0, b"250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n")]),
    ("POP3", TCP, ODD, &[(0, b"+OK POP3 server ready <1896.697170952@example.com>\r\n")]),
    ("POP3", TCP, ODD, &[(0, b"CAPA\r\nUSER me\r\nPASS secret\r\nSTAT\r\n")]),
    ("POP3", TCP, ODD, &[(0, b"RETR 1\r\n"), (1, b"+OK 120 octets\r\n")]),
    ("POP3", TCP, ODD, &[(0, b"UIDL\r\n"), (1, b"+OK\r\n1 whqtswO00WBw418f9t5JxYwZ\r\n.\r\n")]),
    ("IMAP", TCP, ODD, &[(0, b"* OK [CAPABILITY IMAP4rev1 LITERAL+] Dovecot ready.\r\n")]),
    ("IMAP", TCP, ODD, &[(0, b"a001 LOGIN me secret\r\na002 SELECT INBOX\r\n")]),
    ("IMAP", TCP, ODD, &[(0, b"a003 FETCH 1 (FLAGS)\r\n"), (1, b"* 1 FETCH (FLAGS (\\Seen))\r\na003 OK Fetch completed.\r\n")]),
    ("IMAP", TCP, ODD, &[(0, b"* 18 EXISTS\r\n* FLAGS (\\Answered \\Flagged)\r\na002 OK [READ-WRITE] SELECT completed\r\n")]),
    ("Usenet", TCP, ODD, &[(0, b"200 news.example.com InterNetNews NNRP server INN 2.6 ready (posting ok)\r\n")]),
    ("Usenet", TCP, 119, &[(0, b"GROUP comp.lang.c\r\n"), (1, b"211 1234 3000234 3002322 comp.lang.c\r\n")]),
    // Web.
    ("HTTP", TCP, ODD, &[(0, b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n")]),
    ("HTTP", TCP, ODD, &[(0, b"PURGE /a HTTP/1.1\r\nHost: example.com\r\n\r\n")]),
    ("IceCast", TCP, ODD, &[(0, b"ICY 200 OK\r\nserver: x\r\n\r\n")]),
    ("TLS", TCP, ODD, &[(0, b"\x17\x03\x03\0\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]),
    ("TLS", TCP, ODD, &[(0, b"\x15\x03\x03\0\x02\x02\x28")]),
    ("TLS", TCP, ODD, &[(0, b"\x14\x03\x03\0\x01\x01\x16\x03\x03\0\x28aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]),
    ("TLS", TCP, ODD, &[(0, b"\x16\x03\x03\0\x46\x10\0\0\x42\x41\x04aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]),
    ("HTTP2", TCP, ODD, &[(0, b"\0\0\x04\x01\0\0\0\0\x01aaaa"), (1, b"\0\0\x04\x08\0\0\0\0\0\0\0\xff\xff\0\0\0\x04\x01\0\0\0\0")]),
    ("HTTP2", TCP, ODD, &[(0, b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff")]),
    // Names and directories.
    ("LDAP", TCP, ODD, &[(0, b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0")]),
    ("LDAP", TCP, ODD, &[(0, b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0")]),
    ("LDAP", TCP, ODD, &[(0, b"\x30\x1b\x02\x01\x02\x64\x16\x04\x0ecn=a,dc=x,dc=y\x30\x04\x30\x02\x04\0")]),
    ("LDAP", TCP, ODD, &[(0, b"\x30\x25\x02\x01\x02\x63\x20\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0\x87\x0bobjectclass\x30\0")]),
    ("LDAP", UDP, 389, &[(0, b"\x30\x25\x02\x01\x02\x63\x20\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0\x87\x0bobjectclass\x30\0")]),
    ("Kerberos", UDP, ODD, &[(0, b"\x7e\x3a\x30\x38\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x1e\xa4\x11\x18\x0f20260101000000Z\xa5\x05\x02\x03\x01\0\0\xa6\x03\x02\x01\x19\xa9\x03\x1b\x01A\xaa\x0a\x30\x08\xa0\x03\x02\x01\x02\xa1\x01\x30")]),
    ("DNS", UDP, ODD, &[(0, b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01")]),
    ("DNS", TCP, ODD, &[(0, b"\0\x1d\x12\x34\x81\x83\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01")]),
    ("DNS", UDP, 53, &[(0, b"\x12\x34\x28\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x06\0\x01")]),
    // Databases.
    ("MySQL", TCP, ODD, &[(0, b"\x4a\0\0\0\x0a8.0.36\0\x0b\0\0\0aaaaaaaa\0\xff\xff\xff\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0aaaaaaaaaaaa\0mysql_native_password\0")]),
    ("MySQL", TCP, 3306, &[(0, b"\x15\0\0\0\x03select * from shop.t"), (1, b"\x01\0\0\x01\x01\x20\0\0\x02\x03def")]),
    ("PostgreSQL", TCP, ODD, &[(0, b"\0\0\0\x08\x04\xd2\x16\x2f")]),
    ("PostgreSQL", TCP, ODD, &[(0, b"Q\0\0\0\x0eSELECT 1;\0")]),
    ("PostgreSQL", TCP, ODD, &[(0, b"T\0\0\0\x21\0\x01?column?\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0D\0\0\0\x0b\0\x01\0\0\0\x011")]),
    ("RESP", TCP, ODD, &[(0, b"*1\r\n$4\r\nPING\r\n")]),
    ("RESP", TCP, 6379, &[(0, b"$5\r\nhello\r\n")]),
    ("RESP", TCP, 6379, &[(0, b"+PONG\r\n")]),
    ("Memcached", TCP, ODD, &[(0, b"get some_key\r\n"), (1, b"VALUE some_key 0 3\r\nbar\r\nEND\r\n")]),
    ("MongoDB", TCP, ODD, &[(0, b"\x2d\0\0\0\x05\0\0\0\x04\0\0\0\xdd\x07\0\0\0\0\0\0\0\x18\0\0\0\x10ok\0\x01\0\0\0\x02x\0\x02\0\0\0a\0\0")]),
    ("MsSQL-TDS", TCP, ODD, &[(0, b"\x12\x01\0\x2f\0\0\x01\0\0\0\x1a\0\x06\x01\0\x20\0\x01\x02\0\x21\0\x01\x03\0\x22\0\x04\x04\0\x26\0\x01\xff\x0b\0\x0c\0\0\0\0\0\0\0\0\0\0")]),
    ("MsSQL-TDS", TCP, 1433, &[(0, b"\x01\x01\0\x2e\0\0\x01\0\x16\0\0\0\x12\0\0\0\x02\0\0\0\0\0\0\0\0\0\x01\0\0\0s\0e\0l\0e\0c\0t\0 \x001\0")]),
    ("Oracle", TCP, 1521, &[(0, b"\0\x20\0\0\x02\0\0\0\x01\x3a\0\0\x20\0\x7f\xff\x01\0\0\0\0\x20\x41\x01\0\0\0\0\0\0\0\0")]),
    // Messages.
    ("MQTT", TCP, ODD, &[(0, b"\x20\x02\0\0\x90\x03\0\x01\0")]),
    ("MQTT", TCP, 1883, &[(0, b"\xc0\0"), (1, b"\xd0\0")]),
    ("MQTT", TCP, ODD, &[(0, b"\xc0\0\xc0\0\xc0\0"), (1, b"\xd0\0\xd0\0\xd0\0")]),
    ("AMQP", TCP, ODD, &[(0, b"\x01\0\0\0\0\0\x0d\0\x0a\0\x0a\0\0\0\0\0\0\0\0\0\xce\x08\0\0\0\0\0\0\xce")]),
    ("Nats", TCP, ODD, &[(0, b"INFO {\"server_id\":\"A\",\"version\":\"2.10.1\"} \r\n")]),
    ("STOMP", TCP, ODD, &[(0, b"CONNECTED\nversion:1.2\n\n\0")]),
    ("Jabber", TCP, ODD, &[(0, b"<message to='a@example.com' from='b@example.com/x' type='chat'><body>hi</body></message>")]),
    ("Jabber", TCP, ODD, &[(0, b"</stream:stream>")]),
    ("IRC", TCP, ODD, &[(0, b":irc.example.com NOTICE * :*** Looking up your hostname...\r\n")]),
    ("IRC", TCP, ODD, &[(0, b":nick!user@host.example PRIVMSG #channel :hello there\r\n")]),
    ("IRC", TCP, ODD, &[(0, b"PRIVMSG #channel :hello there\r\n")]),
    ("IRC", TCP, 6667, &[(0, b"PING :irc.example.com\r\n"), (1, b":irc.example.com PONG irc.example.com :irc.example.com\r\n")]),
    ("Kafka", TCP, ODD, &[(0, b"\0\0\0\x23\0\x12\0\x03\0\0\0\x01\0\x08producer\0\x12apache-kafka-java\x063.0"), (1, b"\0\0\0\x0a\0\0\0\x01\0\0\x01\0\0\0")]),
    ("Syslog", TCP, ODD, &[(0, b"<34>1 2026-01-01T00:00:00.003Z host.example.com su - ID47 - failed\n")]),
    ("Syslog", TCP, ODD, &[(0, b"66 <34>1 2026-01-01T00:00:00.003Z host.example.com su - ID47 - failed")]),
    // Peers.
    ("BitTorrent", TCP, ODD, &[(0, b"\x13BitTorrent protocol\0\0\0\0\0\x10\0\x05")]),
    ("BitTorrent", UDP, ODD, &[(0, b"d1:rd2:id20:aaaaaaaaaaaaaaaaaaaa5:token4:abcde1:t2:aa1:y1:re")]),
    ("BitTorrent", UDP, ODD, &[(0, b"d1:ad2:id20:aaaaaaaaaaaaaaaaaaaae1:q4:ping1:t2:aa1:y1:qe")]),
    ("Gnutella", TCP, ODD, &[(0, b"GNUTELLA/0.6 200 OK\r\nUser-Agent: x\r\n\r\n")]),
    ("eDonkey", TCP, ODD, &[(0, b"\xe3\x2a\0\0\0\x01\x10aaaaaaaaaaaaaaaaiiiipp\x02\0\0\0")]),
    // Voice.
    ("SIP", UDP, ODD, &[(0, b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060\r\n\r\n")]),
    ("SIP", UDP, 5060, &[(0, b"\r\n\r\n")]),
    ("RTSP", TCP, ODD, &[(0, b"RTSP/1.0 200 OK\r\nCSeq: 4\r\n\r\n")]),
    ("RTP", UDP, ODD, &[
        (0, b"\x80\0\x12\x34\0\0\x10\0\xaa\xbb\xcc\xddaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        (0, b"\x80\0\x12\x35\0\0\x10\xa0\xaa\xbb\xcc\xddaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        (0, b"\x80\0\x12\x36\0\0\x11\x40\xaa\xbb\xcc\xddaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        (0, b"\x80\0\x12\x37\0\0\x11\xe0\xaa\xbb\xcc\xddaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ]),
    ("RTCP", UDP, ODD, &[(0, b"\x81\xc8\0\x0c\xaa\xbb\xcc\xdd\xe1\0\0\0\0\0\0\0\0\0\0\xa0\0\0\0\x10\0\0\x10\0\x11\x22\x33\x44\0\0\0\0\0\0\x12\x34\0\0\0\x05\0\0\0\0\0\0\0\0")]),
    ("STUN", UDP, ODD, &[(0, b"\x01\x01\0\x0c\x21\x12\xa4\x42aaaaaaaaaaaa\0\x20\0\x08\0\x01\xe1\x12\xe1\x12\xa6\x43")]),
    ("MGCP", UDP, 2427, &[(0, b"200 1201 OK\r\n")]),
    ("MGCP", UDP, ODD, &[(0, b"NTFY 2002 aaln/1@rgw.example.net MGCP 1.0\r\nN: ca@ca1\r\n")]),
    ("IAX", UDP, 4569, &[(0, b"\x80\x01\0\0\0\0\0\x0a\0\0\x06\x0c")]),
    ("H323", TCP, 1720, &[(0, b"\x03\0\0\x2a\x08\x02\x80\x01\x07\x04\x03\x88\x93\xa5\x7e\0\x1a\x05\x22\xc0\x06\0\x08\x91\x4a\0\x04\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0")]),
    ("CiscoSkinny", TCP, 2000, &[(0, b"\x04\0\0\0\0\0\0\0\0\x01\0\0")]),
    // Networks.
    ("DHCP", UDP, 67, &[(0, b"\x02\x01\x06\0\x12\x34\x56\x78\0\0\0\0\0\0\0\0\xc0\0\x02\x0a\xc0\0\x02\x01\0\0\0\0aaaaaa\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x63\x82\x53\x63\x35\x01\x05\xff")]),
    ("NTP", UDP, ODD, &[(0, b"\x24\x01\x06\xec\0\0\0\0\0\0\0\x02GPS\0\xe9\0\0\0\0\0\0\0\xe9\0\0\x01\0\0\0\0\xe9\0\0\x02\0\0\0\0\xe9\0\0\x02\0\0\0\x01")]),
    ("NTP", UDP, 123, &[(0, b"\x17\0\x03\x2a\0\0\0\0")]),
    ("NTP", UDP, 123, &[(0, b"\x16\x02\0\x01\0\0\0\0\0\0\0\0")]),
    ("SNMP", UDP, ODD, &[(0, b"\x30\x26\x02\x01\x01\x04\x06public\xa2\x19\x02\x01\x01\x02\x01\0\x02\x01\0\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\0\x05\0")]),
    ("SNMP", UDP, 162, &[(0, b"\x30\x29\x02\x01\0\x04\x06public\xa4\x1c\x06\x06\x2b\x06\x01\x04\x01\x09\x40\x04\xc0\0\x02\x01\x02\x01\x06\x02\x01\x01\x43\x01\x05\x30\x03\x30\x01\0")]),
    ("TFTP", UDP, ODD, &[(0, b"\0\x04\0\x01"), (1, b"\0\x03\0\x02aaaaaaaaaaaa"), (0, b"\0\x04\0\x02")]),
    ("TFTP", UDP, 69, &[(0, b"\0\x02boot.bin\0octet\0")]),
    ("Radius", UDP, ODD, &[(0, b"\x01\x07\0\x1aaaaaaaaaaaaaaaaa\x06\x06\0\0\0\x02"), (1, b"\x02\x07\0\x14aaaaaaaaaaaaaaaa")]),
    ("Syslog", UDP, ODD, &[(0, b"<13>Jan  1 00:00:00 host app[12]: started")]),
    ("NetFlow", UDP, ODD, &[(0, b"\0\x09\0\x01\0\x01\x02\x03\x65\x92\0\x80\0\0\0\x01\0\0\0\0\0\0\0\x10\x01\0\0\x02\0\x08\0\x04\0\x0c\0\x04")]),
    ("NetFlow", UDP, ODD, &[(0, b"\0\x0a\0\x20\x65\x92\0\x80\0\0\0\x01\0\0\0\0\0\x02\0\x10\x01\0\0\x02\0\x08\0\x04\0\x0c\0\x04")]),
    ("sFlow", UDP, ODD, &[(0, b"\0\0\0\x05\0\0\0\x01\xc0\0\x02\x01\0\0\0\0\0\0\0\x01\0\0\x10\0\0\0\0\0")]),
    ("IPSec", UDP, 500, &[(0, b"aaaaaaaabbbbbbbb\x2e\x20\x23\x20\0\0\0\x01\0\0\0\x40\x24\0\0\x24aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]),
    ("IPSec", UDP, 4500, &[(0, b"\xff")]),
    ("L2TP", UDP, 1701, &[(0, b"\xc8\x02\0\x0c\0\x01\0\0\0\x01\0\x02")]),
    ("GTP.GTP_C", UDP, 2123, &[(0, b"\x40\x01\0\x09\0\0\x01\0\x03\0\x01\0\x07")]),
    ("GTP.GTP_U", UDP, 2152, &[(0, b"\x30\xff\0\x14\0\0\0\x01\x45\0\0\x14\0\0\0\0\x40\x11\0\0\x0a\0\0\x01\x0a\0\0\x02")]),
    ("OpenVPN", UDP, 1194, &[(0, b"\x48\0\0\x01aaaaaaaaaaaaaaaaaaaaaaaaaaaa")]),
    ("WireGuard", UDP, ODD, &[(0, b"\x02\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0aaaaaaaaaaaaaaaa")]),
    ("RIP", UDP, 520, &[(0, b"\x02\x02\0\0\0\x02\0\0\x0a\0\0\0\xff\0\0\0\0\0\0\0\0\0\0\x01")]),
    ("HSRP", UDP, 1985, &[(0, b"\0\0\x10\x03\x0a\x78\x01\0cisco\0\0\0\xc0\0\x02\xfe")]),
    ("BGP", TCP, ODD, &[(0, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\x13\x04")]),
    ("SSDP", UDP, ODD, &[(0, b"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nST: upnp:rootdevice\r\nUSN: uuid:1::upnp:rootdevice\r\n\r\n")]),
    ("COAP", UDP, 5683, &[(0, b"\x60\x45\x12\x34\xff22.5 C")]),
    ("Memcached", UDP, ODD, &[(0, b"\0\x01\0\0\0\x01\0\0stats\r\n")]),
    ("DTLS", UDP, ODD, &[(0, b"\x17\xfe\xfd\0\x01\0\0\0\0\0\x05\0\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]),
    ("QUIC", UDP, ODD, &[(0, b"\xe5\0\0\0\x01\0\x08aaaaaaaa\x40\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]),
    ("Source_Engine", UDP, ODD, &[(0, b"\xff\xff\xff\xffI\x11My Server\0de_dust2\0cstrike\0Counter-Strike\0\xf0\0\x05\x20\0dl\0\x01")]),
    // Industry.
    ("Modbus", TCP, ODD, &[(0, b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x0a"), (1, b"\0\x01\0\0\0\x17\x01\x03\x14\0\x01\0\x01\0\x01\0\x01\0\x01\0\x01\0\x01\0\x01\0\x01\0\x01")]),
    ("Modbus", TCP, 502, &[(0, b"\0\x01\0\0\0\x05\x01\x03\x02\0\x01")]),
    ("S7Comm", TCP, 102, &[(0, b"\x03\0\0\x1f\x02\xf0\x80\x32\x01\0\0\x05\0\0\x0e\0\0\x04\x01\x12\x0a\x10\x02\0\x01\0\x01\x84\0\0\0\0")]),
    ("DNP3", TCP, ODD, &[(0, b"\x05\x64\x05\xc0\x01\0\0\x04\xe9\x21")]),
    ("IEC60870", TCP, ODD, &[(0, b"\x68\x04\x43\0\0\0"), (1, b"\x68\x04\x83\0\0\0")]),
    ("IEC60870", TCP, 2404, &[(0, b"\x68\x04\x01\0\x02\0")]),
    ("OPC-UA", TCP, ODD, &[(0, b"MSGF\x20\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0aaaaaaaa")]),
    ("EthernetIP", TCP, 44_818, &[(0, b"\x6f\0\x10\0\x01\0\0\0\0\0\0\0aaaaaaaa\0\0\0\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0\0")]),
    ("BACnet", UDP, ODD, &[(0, b"\x81\x0b\0\x0c\x01\x20\xff\xff\0\xff\x10\x08")]),
    ("RMCP", UDP, ODD, &[(0, b"\x06\0\xff\x06\0\0\x11\xbe\x80\0\0\0")]),
    ("AFP", TCP, ODD, &[(0, b"\0\x02\x22\xc6\0\0\0\0\0\0\0\x06\0\0\0\0\x11\0\0\x02\x0e\x1c"), (1, b"\x01\x02\x22\xc6\0\0\0\0\0\0\0\x04\0\0\0\0aaaa")]),
    ("Mining", TCP, ODD, &[(0, b"{\"id\":1,\"result\":[[\"3336b80e\",\"3336b80e\"], \"08000002\", 4],\"error\":null}\n{\"id\":null,\"method\":\"mining.set_difficulty\",\"params\":[1]}\n")]),
    // Private networks and remote screens.
    ("PPTP", TCP, ODD, &[(0, b"\0\x10\0\x01\x1a\x2b\x3c\x4d\0\x05\0\0\0\0\0\x01")]),
    ("PPTP", TCP, ODD, &[(0, b"\0\x9c\0\x01\x1a\x2b\x3c\x4d\0\x02\0\0\x01\0\x01\0")]),
    ("OpenVPN", UDP, ODD, &[(0, b"\x40aaaaaaaa\x01\0\0\0\0bbbbbbbb\0\0\0\0"), (1, b"\x28bbbbbbbb\x01\0\0\0\0aaaaaaaa")]),
    ("IPSec", UDP, ODD, &[(0, b"aaaaaaaabbbbbbbb\x21\x20\x22\x20\0\0\0\0\0\0\0\x30\x22\0\0\x14aaaaaaaaaaaaaaaa")]),
    ("IPSec", UDP, 4500, &[(0, b"\xc1\x23\x45\x67\0\0\0\x09aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]),
    ("WireGuard", UDP, ODD, &[
        (0, b"\x04\0\0\0\x01\x02\x03\x04\x05\0\0\0\0\0\0\0aaaaaaaaaaaaaaaa"),
        (0, b"\x04\0\0\0\x01\x02\x03\x04\x06\0\0\0\0\0\0\0aaaaaaaaaaaaaaaa"),
        (0, b"\x04\0\0\0\x01\x02\x03\x04\x07\0\0\0\0\0\0\0aaaaaaaaaaaaaaaa"),
    ]),
    ("Tailscale", UDP, ODD, &[(0, b"TS\xf0\x9f\x92\xacaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbcccccccccccccccccccccccccccccccc")]),
    ("RDP", TCP, ODD, &[(0, b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0")]),
    ("X11", TCP, ODD, &[(0, b"\x01\0\x0b\0\0\0\x46\0\x60\xb7\xb8\0\0\0\xa0\x01\xff\xff\x1f\0\0\0\0\0\x14\0\xff\xff\x01\x07\0\0\x20\x20\x08\xff\0\0\0\0The X.Org Foundation")]),
    ("Citrix", TCP, ODD, &[(0, b"\x7f\x7fICA\0\x7f\x7fICA\0")]),
    ("TeamViewer", TCP, ODD, &[(0, b"\x17\x24\x0a\x20\0\0\0\0\0\x80\0\0\0"), (1, b"\x17\x24\x11\x04\0\0\0\0\0")]),
    // Peers and money.
    ("BitTorrent", TCP, ODD, &[(0, b"\0\0\0\x0d\x06\0\0\0\x05\0\0\x40\0\0\0\x40\0\0\0\0\x0d\x06\0\0\0\x05\0\0\x80\0\0\0\x40\0")]),
    ("BitTorrent", TCP, ODD, &[(0, b"\0\0\0\x05\x04\0\0\0\x07\0\0\0\x05\x04\0\0\0\x08\0\0\0\x05\x04\0\0\0\x09")]),
    ("BITCOIN", TCP, ODD, &[(0, b"\xf9\xbe\xb4\xd9ping\0\0\0\0\0\0\0\0\x08\0\0\0aaaaaaaaaaaa")]),
    ("Mining", TCP, ODD, &[(0, b"{\"params\": [\"a.b\", \"1\", \"0001\", \"65a1\", \"aabb\"], \"id\": 4, \"method\": \"mining.submit\"}\n")]),
    // Games.
    ("Source_Engine", UDP, ODD, &[(0, b"\xff\xff\xff\xffTSource Engine Query\0")]),
    ("Source_Engine", UDP, ODD, &[(0, b"\xff\xff\xff\xffA\x0b\x8d\x46\x09"), (1, b"\xff\xff\xff\xffU\x0b\x8d\x46\x09")]),
    ("Quake", UDP, ODD, &[(0, b"\xff\xff\xff\xffstatusResponse\n\\mapname\\q3dm17\\sv_hostname\\a\n")]),
    ("Minecraft", TCP, ODD, &[(0, b"\x10\0\xf5\x05\x09localhost\x63\xdd\x01\x01\0")]),
    ("Minecraft", TCP, ODD, &[(0, b"\x1e\0\x1c{\"version\":{\"name\":\"1.21\"}}")]),
    ("TeamSpeak", UDP, ODD, &[(0, b"TS3INIT1\0\x65\0\0\x88\x0a\x39\x7b\x0f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")]),
    // Buses and stores.
    ("Nats", TCP, 4222, &[(0, b"MSG room 2 5\r\nhello\r\n")]),
    ("Nats", TCP, ODD, &[(0, b"PUB room 5\r\nhello\r\n")]),
    ("STOMP", TCP, ODD, &[(0, b"MESSAGE\nsubscription:0\nmessage-id:7\ndestination:/queue/a\n\nhi\0")]),
    ("RESP", TCP, ODD, &[(0, b"*2\r\n$3\r\nfoo\r\n$3\r\nbar\r\n")]),
    ("RESP", TCP, ODD, &[(0, b"+OK\r\n"), (1, b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n")]),
    ("Cassandra", TCP, ODD, &[(0, b"\x04\0\0\x07\x07\0\0\0\x1b\0\0\0\x14select * from shop.a;\0\x01\0")]),
    ("Cassandra", TCP, 9042, &[(0, b"\x84\0\0\x07\x08\0\0\0\x04\0\0\0\x01")]),
    ("AJP", TCP, ODD, &[(0, b"AB\0\x1d\x04\0\xc8\0\x02OK\0\0\x01\xa0\x01\0\x09text/html\0")]),
    ("DRDA", TCP, ODD, &[(0, b"\0\x2b\xd0\x41\0\x01\0\x25\x20\x0a\0\x21\x21\x13aaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]),
    ("Oracle", TCP, ODD, &[(0, b"\0\x20\0\0\x02\0\0\0\x01\x3a\0\0\x20\0\x7f\xff\x01\0\0\0\0\x20\x41\x01\0\0\0\0\0\0\0\0")]),
    ("MongoDB", TCP, ODD, &[(0, b"\x35\0\0\0\x09\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x20\0\0\0\x10hello\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0")]),
    ("Diameter", TCP, ODD, &[(0, b"\x01\0\0\x14\0\0\x01\x18\0\0\0\0\0\0\0\x01\0\0\0\x02")]),
    ("TACACS+", TCP, 49, &[(0, b"\xc0\x01\x02\0\0\0\0\x01\0\0\0\x10aaaaaaaaaaaaaaaa")]),
    // Voice.
    ("STUN", UDP, 3478, &[(0, b"\x40\0\0\x08aaaaaaaa"), (0, b"\x40\0\0\x08bbbbbbbb")]),
    ("STUN", TCP, ODD, &[(0, b"\0\x01\0\0\x21\x12\xa4\x42aaaaaaaaaaaa")]),
    ("RTSP", TCP, 554, &[(0, b"$\0\0\x10\x80\x60\x12\x34\0\0\x10\0\xaa\xbb\xcc\xddaaaa$\0\0\x10\x80\x60\x12\x35\0\0\x10\0\xaa\xbb\xcc\xddaaaa")]),
    ("SIP", TCP, ODD, &[(0, b"NOTIFY sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.2\r\n\r\n")]),
    ("Megaco", UDP, 2944, &[(0, b"MEGACO/1 [192.0.2.1]:2944\nReply=1{Context=-{}}")]),
    ("H323", UDP, 1719, &[(0, b"\x06\x80\0\x01\x06\0\x08\x91\x4a\0\x04")]),
    // Networks.
    ("NetBIOS", UDP, 137, &[(0, b"\x12\x34\x85\0\0\0\0\x01\0\0\0\0 FDFDFDFDFDFDFDFDFDFDFDFDFDFDFDAA\0\0\x20\0\x01\0\0\0\x3c\0\x06\0\0\xc0\0\x02\x01")]),
    ("LLMNR", UDP, 5355, &[(0, b"\x12\x34\x80\0\0\x01\0\x01\0\0\0\0\x04host\0\0\x01\0\x01\x04host\0\0\x01\0\x01\0\0\0\x1e\0\x04\xc0\0\x02\x01")]),
    ("DHCP", UDP, ODD, &[(0, b"\x01\x01\x06\0\x12\x34\x56\x78\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0aaaaaa\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x63\x82\x53\x63\x35\x01\x01\xff")]),
    ("NFS", UDP, ODD, &[(0, b"\x12\x34\x56\x78\0\0\0\0\0\0\0\x02\0\x01\x86\xa0\0\0\0\x02\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x86\xa3\0\0\0\x03\0\0\0\x11\0\0\0\0")]),
    ("NFS", UDP, ODD, &[(0, b"\x12\x34\x56\x78\0\0\0\0\0\0\0\x02\0\x01\x86\xa3\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")]),
    ("Kerberos", TCP, ODD, &[(0, b"\0\0\0\x3c\x7e\x3a\x30\x38\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x1e\xa4\x11\x18\x0f20260101000000Z\xa5\x05\x02\x03\x01\0\0\xa6\x03\x02\x01\x19\xa9\x03\x1b\x01A\xaa\x0a\x30\x08\xa0\x03\x02\x01\x02\xa1\x01\x30")]),
    ("SNMP", UDP, ODD, &[(0, b"\x30\x3e\x02\x01\x03\x30\x11\x02\x04\x20\xdd\x06\xa7\x02\x03\0\xff\xe3\x04\x01\x04\x02\x01\x03\x04\x10\x30\x0e\x04\0\x02\x01\0\x02\x01\0\x04\0\x04\0\x04\0\x30\x14\x04\0\x04\0\xa0\x0e\x02\x04\x20\xdd\x06\xa8\x02\x01\0\x02\x01\0\x30\0")]),
    ("RIPng", UDP, 521, &[(0, b"\x02\x01\0\0\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x40\x01")]),
    ("VXLAN", UDP, 4789, &[(0, b"\x08\0\0\0\0\0\x7b\0aaaaaabbbbbb\x08\0\x45\0\0\x1c\0\0\0\0\x40\x11\0\0\x0a\0\0\x01\x0a\0\0\x02aaaaaaaa")]),
    ("BFD", UDP, 3784, &[(0, b"\x20\xc0\x03\x18\0\0\0\x01\0\0\0\x02\0\x0f\x42\x40\0\x0f\x42\x40\0\0\0\0")]),
    ("HSRP", UDP, 1985, &[(0, b"\x01\x28\x02\0\x06\x04\0\x01\xaa\xbb\xcc\0\x01\0\0\0\0\x64\0\0\x0b\xb8\0\0\x27\x10\xc0\0\x02\x01\0\0\0\0\0\0\0\0\0\0\0\0")]),
    ("SSDP", UDP, ODD, &[(0, b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNTS: ssdp:alive\r\n\r\n")]),
    ("XDMCP", UDP, 177, &[(0, b"\0\x01\0\x05\0\x0a\0\0\0\x01a\0\x01b")]),
    // Industry.
    ("FINS", TCP, ODD, &[(0, b"FINS\0\0\0\x0c\0\0\0\0\0\0\0\0\0\0\0\0")]),
    ("S7Comm", TCP, ODD, &[(0, b"\x03\0\0\x14\x02\xf0\x80\x32\x03\0\0\x05\0\0\x02\0\x01\0\0\x05\x01\xff")]),
    ("EthernetIP", TCP, ODD, &[(0, b"\x65\0\x04\0\0\0\0\0\0\0\0\0aaaaaaaa\0\0\0\0\x01\0\0\0")]),
    ("EthernetIP", UDP, 44_818, &[(0, b"\x63\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")]),
    ("Zabbix", TCP, ODD, &[(0, b"ZBXD\x01\x10\0\0\0\0\0\0\0{\"response\":\"ok\"}")]),
    ("HL7", TCP, ODD, &[(0, b"\x0bMSH|^~\\&|A|B|C|D|20260101||ACK|1|P|2.3\rMSA|AA|1\r\x1c\r")]),
    ("DICOM", TCP, ODD, &[(0, b"\x02\0\0\0\0\x4a\0\x01\0\0ANY-SCP         ECHOSCU         \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\x15")]),
    ("COAP", UDP, ODD, &[(0, b"\x40\x01\x12\x34\xbb.well-known\x04core"), (1, b"\x60\x45\x12\x34\xc1\x28\xff</a>")]),
    ("MELSEC", TCP, ODD, &[(0, b"\x50\0\0\xff\xff\x03\0\x0c\0\x10\0\x01\x04\0\0\x64\0\0\xa8\x0a\0")]),
];

/// Returns the label of the packets of a flow whose beginning is unknown.
fn label(dissector: &Dissector, (_, protocol, port, packets): &Part) -> String {
    let endpoints = Endpoints {
        protocol: *protocol,
        client: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 50_000)),
        server: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 2), *port)),
    };
    let mut flow = Flow::default();
    let mut sequences = [7_u32, 9];
    for (end, payload) in *packets {
        let sequence = &mut sequences[usize::from(*end)];
        let segment = (*protocol == TCP).then_some(Segment {
            sequence: *sequence,
            syn: false,
            ack: true,
            end: false,
        });
        let direction = if *end == 0 { Direction::FromClient } else { Direction::FromServer };
        dissector
            .inspect(&mut flow, &Packet { endpoints: &endpoints, direction, segment, payload });
        *sequence =
            sequence.wrapping_add(u32::try_from(payload.len()).expect("payloads are short"));
    }
    dissector.name(dissector.finish(flow, &endpoints).label)
}

#[test]
fn a_part_of_a_flow_has_its_label() {
    let dissector = Dissector::new(Config::default());
    let mut wrong = Vec::new();
    for part in PARTS {
        let label = label(&dissector, part);
        if label != part.0 {
            wrong.push(format!(
                "{label} for {} of {:?}",
                part.0,
                part.3[0].1.escape_ascii().to_string()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
