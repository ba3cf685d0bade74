//! Headings of the columns in a file of rules.

/// Columns of a file of rules, each with the headings that name it: in lower case, letters and
/// digits only.
pub const HEADINGS: [(&str, &[&str]); 8] = [
    (
        "src_ip",
        &["srcip", "sourceip", "srcaddr", "sourceaddress", "saddr", "attacker", "attackerip"],
    ),
    ("src_port", &["srcport", "sourceport", "sport"]),
    (
        "dst_ip",
        &["dstip", "destinationip", "dstaddr", "destinationaddress", "daddr", "victim", "victimip"],
    ),
    ("dst_port", &["dstport", "destinationport", "dport"]),
    ("protocol", &["protocol", "proto", "ipprotocol"]),
    ("start", &["start", "starttime", "begin", "from", "firstseen", "stime"]),
    (
        "end",
        &["end", "endtime", "finish", "finishtime", "stop", "stoptime", "to", "lastseen", "ltime"],
    ),
    ("label", &["label", "attack", "attackname", "attacktype", "class"]),
];
