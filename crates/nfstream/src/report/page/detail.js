// Details of one flow.

// The first packets as bars: up from the client, down from the server, by the logarithm of the size.
const packetDiagram = (row) => {
  const [directions, sizes] = [at('splt_direction', row, []), at('splt_ps', row, [])];
  const gaps = columns.find((column) => column.name.startsWith('splt_piat'));
  if (sizes.length === 0) return null;
  const times = gaps ? gaps.get(row) : [];
  const [width, middle, step] = [440, 60, Math.min(40, 420 / sizes.length)];
  const scale = Math.log(Math.max(1500, ...sizes) / 40);
  const packets = sizes.map((size, place) => {
    const isUp = directions[place] === 0;
    const height = 6 + (46 * Math.max(0, Math.log(Math.max(1, size) / 40))) / scale;
    const gap = gaps && place > 0 ? `, ${span(times[place] * MICROSECONDS[gaps.unit])} later` : '';
    return svg('rect', {
      x: 10 + place * step, y: isUp ? middle - 1 - height : middle + 1, width: Math.max(3, step - 4), height, rx: 2, class: isUp ? 'up' : 'down',
    }, svg('title', {}, `${isUp ? 'client' : 'server'}: ${count(size)} B${gap}`));
  });
  const spoken = sizes.map((size, place) => `${directions[place] === 0 ? 'client' : 'server'} ${size} bytes`).join(', ');
  return h('figure', { class: 'packets' },
    svg('svg', { viewBox: `0 0 ${width} 120`, role: 'img', 'aria-label': `First ${sizes.length} packets: ${spoken}` },
      svg('line', { x1: 4, x2: width - 4, y1: middle, y2: middle }),
      packets),
    h('figcaption', {}, h('span', { class: 'key' }, h('i', { class: 'up' }), 'client'), h('span', { class: 'key' }, h('i', { class: 'down' }), 'server'),
      h('span', {}, `sizes of the first ${plural(sizes.length, 'packet')}: ${sizes.map((size) => count(size)).join(' · ')} B`)));
};

const pairs = (title, all) => {
  const used = all.filter(([, value]) => value !== '' && value !== null && value !== undefined && value !== false);
  return used.length === 0 ? null : h('div', { class: 'part' }, h('h3', {}, title),
    h('dl', {}, used.map(([name, value]) => [h('dt', {}, name), h('dd', {}, typeof value === 'string' ? h('bdi', {}, value) : value)])));
};

const SOON = 30 * 86400e6;
// A badge for a certificate that expires `left` microseconds after its use.
const expiry = (left) => {
  if (left < 0) return badge(`expired for ${span(-left)}`, 'bad');
  return left < SOON ? badge(`expires in ${span(left)}`, 'warn') : null;
};

const names = (row) => pairs('Names', [
  ['Server name (TLS)', at('tls_server_name', row)],
  ['Host (HTTP)', at('http_host', row)],
  ['URL', at('http_url', row)],
  ['DNS question', at('dns_query_name', row)],
  ['DNS answer', at('dns_response_code', row, -1) >= 0 && at('dns_query_name', row) ? `${human(byName.get('dns_response_code'), at('dns_response_code', row))} ${at('dns_addresses', row)}` : ''],
  ['Name by DNS', at('dns_name', row)],
  ['User agent', at('user_agent', row) || at('http_user_agent', row)],
  ['Host name (DHCP)', at('dhcp_host_name', row)],
  ['SSH', [at('ssh_client_version', row), at('ssh_server_version', row)].filter(Boolean).join(' → ')],
]);

const encryption = (row) => {
  const cipher = at('tls_cipher', row, 0);
  const weakness = data.names.tls_cipher[cipher]?.weakness;
  const version = at('tls_version', row, 0);
  return pairs('Encryption', [
    ['Version', version ? [versionName(version), ' ', OLD_TLS.has(version) && badge('old', 'bad')] : ''],
    ['Cipher suite', cipher ? [codeName('tls_cipher', cipher) ?? `0x${cipher.toString(16)}`, ' ', weakness && badge(weakness, 'warn')] : ''],
    ['ALPN', at('tls_selected_alpn', row) || at('tls_alpn', row)],
    ['Encrypted hello', at('tls_encrypted_hello', row) ? 'yes, or a decoy' : ''],
  ]);
};

const certificate = (row) => {
  const [before, after] = ['tls_not_before', 'tls_not_after'].map((name) => columns.find((column) => column.name.startsWith(name)));
  const ends = after ? after.get(row) * MICROSECONDS[after.unit] : 0;
  return pairs('Certificate', [
    ['Names', at('tls_certificate_names', row)],
    ['Subject', at('tls_subject', row)],
    ['Issuer', at('tls_issuer', row)],
    ['Valid', ends ? [`${day(before.get(row) * MICROSECONDS[before.unit])} to ${day(ends)} `, expiry(ends - lastSeen(row))] : ''],
    ['SHA-256', at('tls_sha256', row)],
  ]);
};

const fingerprints = (row) => pairs('Fingerprints', [
  ['JA4', at('ja4', row)], ['JA3', at('ja3', row)], ['JA3S', at('ja3s', row)],
  ['HASSH', [at('ssh_client_hassh', row), at('ssh_server_hassh', row)].filter(Boolean).join(' → ')],
  ['DHCP', at('dhcp_fingerprint', row)],
]);

const tcpQuality = (row) => {
  if (at('protocol', row) !== 6) return null;
  const both = (name) => {
    const [up, down] = [at(`src2dst_${name}`, row, 0), at(`dst2src_${name}`, row, 0)];
    return up + down > 0 ? `${count(up)} from the client, ${count(down)} from the server` : 'none';
  };
  const handshake = at('tcp_handshake_us', row, 0);
  return pairs('TCP quality', [
    ['Handshake', handshake ? span(handshake) : 'not seen completely'],
    ['Retransmitted', both('retransmitted_packets')],
    ['Out of order', both('out_of_order_packets')],
    ['Zero window', both('zero_window_packets')],
    ['End', at('end_reason', row)],
  ]);
};

const allColumns = (row) => h('details', { class: 'part' }, h('summary', {}, h('h3', {}, 'All columns')),
  h('p', { class: 'note' }, 'Click a value to show all flows that have it.'),
  h('dl', { class: 'all' }, columns.map((column) => {
    const value = column.get(row);
    const [key] = column.keys(row);
    return [h('dt', { title: column.description }, column.name), h('dd', {}, h('button', { type: 'button', class: 'link', onclick: () => {
      detail.close();
      if (!hasFilter(column.name, key)) toggle(column.name, key);
    } }, h('bdi', {}, human(column, value))))];
  })));

const detail = h('dialog', { class: 'detail', 'aria-labelledby': 'detail-title' });
let opener = null;
detail.addEventListener('click', (event) => {
  if (event.target === detail) detail.close();
});
detail.addEventListener('close', () => {
  const button = opener && [...document.querySelectorAll('button.open')].find((one) => one.dataset.key === `open-${opener}`);
  button?.focus();
});

// Opens the details of a flow; the buttons move through the rows in `order`.
const openDetail = (row, order) => {
  opener = String(row);
  const place = order.indexOf(row);
  const step = (offset, title, sign) => h('button', { type: 'button', title, 'aria-label': title, disabled: order[place + offset] === undefined, onclick: () => openDetail(order[place + offset], order) }, sign);
  const risks = split(at('risks', row));
  const label = at('application_name', row);
  show(detail, h('div', { class: 'sheet' },
    h('header', {},
      h('div', { class: 'moves' }, step(-1, 'Previous flow', '↑'), step(1, 'Next flow', '↓'),
        h('button', { type: 'button', class: 'close', 'aria-label': 'Close', onclick: () => detail.close() }, '✕')),
      h('h2', { id: 'detail-title', tabindex: '-1' }, h('bdi', {}, clip(at('server', row), 120))),
      h('p', { class: 'route' }, h('bdi', {}, endpoint(at('src_ip', row), at('src_port', row))), ' → ', h('bdi', {}, endpoint(at('dst_ip', row), at('dst_port', row)))),
      h('p', {}, badge(PROTOCOLS[at('protocol', row)] ?? `protocol ${at('protocol', row)}`), label && badge(label, 'app'), at('category_name', row) && badge(at('category_name', row)), risks.map((risk) => badge(risk, 'warn')))),
    packetDiagram(row),
    pairs('Volume', [
      ['Time', `${moment(firstSeen(row), 1)} UTC, for ${span(lastSeen(row) - firstSeen(row))}`],
      ['From the client', `${bytes(at('src2dst_bytes', row, 0))} in ${plural(at('src2dst_packets', row, 0), 'packet')}`],
      ['From the server', `${bytes(at('dst2src_bytes', row, 0))} in ${plural(at('dst2src_packets', row, 0), 'packet')}`],
    ]),
    names(row), encryption(row), certificate(row), fingerprints(row), tcpQuality(row), allColumns(row)));
  if (!detail.open) detail.showModal();
  detail.scrollTop = 0;
  document.getElementById('detail-title').focus();
};
