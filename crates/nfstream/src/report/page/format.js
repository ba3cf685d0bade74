// Numbers, times and codes as text.

const NUMBER = new Intl.NumberFormat('en');
const count = (number) => NUMBER.format(number);

const scaled = (number, step, units) => {
  let place = 0;
  let value = number;
  while (value >= step && place < units.length - 1) {
    value /= step;
    place += 1;
  }
  const digits = place === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[place]}`;
};

const bytes = (number) => scaled(number, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB']);
const rate = (number) => scaled(number, 1000, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s', 'Pbit/s']);
const short = (number) => (number < 10000 ? count(number) : scaled(number, 1000, ['', 'k', 'M', 'G', 'T']).replace(' ', '\u202f'));

const share = (part, all) => {
  if (!all) return '–';
  const percent = (100 * part) / all;
  return percent > 0 && percent < 0.1 ? '< 0.1 %' : `${percent.toFixed(percent < 10 ? 1 : 0)} %`;
};

const span = (us) => {
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${(us / 1000).toFixed(us < 1e4 ? 1 : 0)} ms`;
  const seconds = us / 1e6;
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${(seconds / 3600).toFixed(1)} h`;
  return `${Math.round(seconds / 86400)} days`;
};

const plural = (number, thing) => `${count(number)} ${thing}${number === 1 ? '' : 's'}`;

const iso = (us) => {
  const date = new Date(us / 1000);
  return Number.isNaN(date.getTime()) ? `${us} µs` : date.toISOString();
};
const day = (us) => iso(us).slice(0, 10);
const clock = (us, width = 1e6) => iso(us).slice(11, width < 1e6 ? 23 : 19);
const moment = (us, width = 1e6) => `${day(us)} ${clock(us, width)}`;

// Whether times need a date.
const isLong = data.span_us !== null && day(data.span_us[0]) !== day(data.span_us[1]);

const PROTOCOLS = {
  1: 'ICMP', 2: 'IGMP', 4: 'IPv4', 6: 'TCP', 17: 'UDP', 33: 'DCCP', 41: 'IPv6', 47: 'GRE', 50: 'ESP', 51: 'AH',
  58: 'ICMPv6', 89: 'OSPF', 103: 'PIM', 112: 'VRRP', 115: 'L2TP', 132: 'SCTP', 136: 'UDP-Lite',
};

const TLS_VERSIONS = {
  2: 'SSL 2.0', 768: 'SSL 3.0', 769: 'TLS 1.0', 770: 'TLS 1.1', 771: 'TLS 1.2', 772: 'TLS 1.3',
  65279: 'DTLS 1.0', 65277: 'DTLS 1.2', 65276: 'DTLS 1.3', 256: 'DTLS 1.0 (OpenSSL)',
};
const versionName = (number) => TLS_VERSIONS[number] ?? (number >> 8 === 127 ? `TLS 1.3 draft ${number & 255}` : `0x${number.toString(16).padStart(4, '0')}`);
const OLD_TLS = new Set([2, 768, 769, 770, 65279, 256]);

const DNS_CODES = {
  [-1]: 'no response', 1: 'format error', 2: 'server failure', 3: 'no such name', 4: 'not implemented', 5: 'refused',
  6: 'name exists', 7: 'records exist', 8: 'no such records', 9: 'not authoritative', 10: 'not in zone',
};
const DNS_TYPES = { 1: 'A', 2: 'NS', 5: 'CNAME', 6: 'SOA', 12: 'PTR', 15: 'MX', 16: 'TXT', 28: 'AAAA', 33: 'SRV', 64: 'SVCB', 65: 'HTTPS', 255: 'ANY' };

// The name of a code in a column, undefined where it has none.
const codeName = (column, value) => {
  switch (column) {
    case 'protocol': return PROTOCOLS[value];
    case 'tls_version': return value === 0 ? undefined : versionName(value);
    case 'tls_cipher': return data.names.tls_cipher[value]?.name;
    case 'dns_response_code': return value === 0 ? 'success' : DNS_CODES[value];
    case 'dns_query_type': return DNS_TYPES[value];
    default: return undefined;
  }
};

const MICROSECONDS = { ns: 0.001, us: 1, ms: 1000 };

// A value of a column as text for people.
const human = (column, value) => {
  if (value === null) return '(none)';
  if (value === '' || (Array.isArray(value) && value.length === 0)) return '(empty)';
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  const name = codeName(column.name, value);
  if (name) return `${name} (${value})`;
  switch (column.kind) {
    case 'bytes': return `${count(value)} B`;
    case 'count': return count(value);
    case 'instant': return value === 0 ? '(none)' : `${moment(value * MICROSECONDS[column.unit], 1)} UTC`;
    case 'span': return span(value * MICROSECONDS[column.unit]);
    default: return String(value);
  }
};
