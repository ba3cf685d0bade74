// Encryption, risks, quality of connections, and names that could not be resolved.

const filterLink = (name, value, text) => h('button', {
  type: 'button', class: 'link', 'data-key': `find-${name}-${value}`, 'aria-pressed': String(hasFilter(name, value)), onclick: () => toggle(name, value),
}, h('bdi', {}, text));

const certificates = () => {
  if (!isFiltered()) return data.certificates;
  const used = new Map(topValues(byName.get('tls_sha256')).top.map(([value, flows]) => [value, flows]));
  return data.certificates.filter((one) => used.has(one.sha256)).map((one) => ({ ...one, flows: used.get(one.sha256) }));
};
// Microseconds from the last use of a certificate to its expiry.
const expires = (one) => (one.not_after_ms === null ? Infinity : one.not_after_ms * 1000 - one.seen_us);
const isSoon = (one) => expires(one) < SOON;
const plainText = () => {
  if (!isFiltered()) return data.plain_text;
  const known = new Set(data.plain_text.map((one) => one.name));
  return groups([], 'application_name').filter((one) => known.has(one.name));
};
const versions = () => (byName.has('tls_version') ? topValues(byName.get('tls_version')).top.filter(([value]) => value !== 0) : []);
const suites = () => (byName.has('tls_cipher') ? topValues(byName.get('tls_cipher')).top.filter(([value]) => value !== 0) : []);
const weakSuites = () => suites().filter(([value]) => data.names.tls_cipher[value]?.weakness);

const live = (make) => {
  const body = h('div', { class: 'cards' });
  const update = () => show(body, make());
  watchers.push(update);
  update();
  return body;
};
const limited = (rows, most, make) => [make(rows.slice(0, most)), rows.length > most && h('p', { class: 'note' }, `${count(rows.length - most)} more are not shown.`)];

const encryptionSection = () => section('encryption', 'Encryption', 'Captured handshakes of TLS, DTLS and QUIC. From TLS 1.3 on, certificates are encrypted.', live(() => {
  const [found, all, kept, plain] = [versions(), suites(), certificates(), plainText()];
  const soon = kept.filter(isSoon);
  const column = (...parts) => h('div', { class: 'column' }, parts);
  return [
    column(card('Versions', null, found.length === 0 ? empty('No handshake was seen.') : table('Versions', ['version', { text: 'flows', number: true }, ''],
      found.map(([value, flows]) => [filterLink('tls_version', value, versionName(value)), count(flows), OLD_TLS.has(value) && badge('old', 'bad')]))),
    card('Plain text', 'Protocols without encryption.', plain.length === 0 ? empty('None found.') : limited(plain, 20, (rows) =>
      table('Protocols without encryption', ['application', { text: 'flows', number: true }, { text: 'bytes', number: true }],
        rows.map((one) => [filterLink('application_name', one.name, one.name), count(one.flows), bytes(one.bytes)]))))),
    card('Cipher suites', 'Weak ones first (RFC 9325).', all.length === 0 ? empty('No handshake was seen.') : limited([...weakSuites(), ...all.filter((one) => !weakSuites().includes(one))], 15, (rows) =>
      table('Cipher suites', ['suite', { text: 'flows', number: true }, ''], rows.map(([value, flows]) => [
        filterLink('tls_cipher', value, codeName('tls_cipher', value) ?? `0x${value.toString(16).padStart(4, '0')}`), count(flows),
        data.names.tls_cipher[value]?.weakness && badge(data.names.tls_cipher[value].weakness, 'warn')])))),
    h('div', { class: 'wide' }, card('Certificates', `${plural(kept.length, 'certificate')}, those that expire first in front${soon.length ? `; ${count(soon.length)} expired, or about to expire within 30 days of their last use` : ''}.`,
      kept.length === 0 ? empty('No certificate was seen.') : limited(kept, 25, (rows) => table('Certificates', ['names', 'issuer', 'valid until', '', { text: 'flows', number: true }],
        rows.map((one) => [filterLink('tls_sha256', one.sha256, clip(one.names || one.subject || one.server, 80)), h('bdi', {}, clip(one.issuer, 90)),
          h('span', { class: 'whole' }, one.not_after_ms === null ? '–' : day(one.not_after_ms * 1000)), expiry(expires(one)), count(one.flows)]))),
      data.other_certificates > 0 && h('p', { class: 'note' }, `${plural(data.other_certificates, 'flow')} with further certificates are not listed.`))),
  ];
}));

const riskCounts = () => (isFiltered() ? topValues(byName.get('risk')).top.map(([name, flows]) => [name, flows]) : data.risks);

const risksSection = () => (data.risks.length === 0 ? null : section('risks', 'Risks', 'Risks that the dissector found. A flow can have several.', live(() => {
  const found = riskCounts();
  const largest = Math.max(1, ...found.map(([, flows]) => flows));
  return card('Flows by risk', 'Click to filter.', found.length === 0 ? empty('None.') : h('ul', { class: 'bars' }, found.slice(0, 40).map(([name, flows]) => h('li', {}, h('button', {
    type: 'button', class: 'bar', 'data-key': `risk=${name}`, 'aria-pressed': String(hasFilter('risk', name)), onclick: () => toggle('risk', name),
  }, h('span', { class: 'fill', style: { width: `${(100 * flows) / largest}%`, background: 'var(--warn)' } }), h('span', { class: 'name' }, h('bdi', {}, name)), h('span', { class: 'value' }, count(flows)))))));
})));

const losses = (row) => ['src2dst_retransmitted_packets', 'dst2src_retransmitted_packets', 'src2dst_out_of_order_packets', 'dst2src_out_of_order_packets']
  .reduce((all, name) => all + at(name, row, 0), 0);

const qualitySection = () => section('quality', 'Slow and lossy connections', 'From TCP sequence numbers at the point of capture.', live(() => {
  const { rows } = selection();
  const slow = rows.filter((row) => at('tcp_handshake_us', row, 0) > 0).sort((a, b) => at('tcp_handshake_us', b) - at('tcp_handshake_us', a)).slice(0, 12);
  const lossy = rows.filter((row) => losses(row) > 0).sort((a, b) => losses(b) - losses(a)).slice(0, 12);
  const open = (row, order) => h('button', { type: 'button', class: 'link', 'data-key': `quality-${row}`, onclick: () => openDetail(row, order) }, h('bdi', {}, clip(at('server', row), 48)));
  const all = data.quality;
  const facts = !isFiltered() && all.flows > 0 ? [
    all.handshakes > 0 && `handshakes: median ${span(all.median_us)}, slowest 5 % over ${span(all.slow_us)}`,
    `${share(all.retransmitted, all.packets)} of ${plural(all.packets, 'TCP packet')} retransmitted, ${share(all.out_of_order, all.packets)} out of order`,
    all.zero_window > 0 && `${plural(all.zero_window, 'zero window')}`,
  ].filter(Boolean).join('; ') : null;
  return [
    facts && h('p', { class: 'wide fact' }, facts),
    card('Slowest handshakes', null, slow.length === 0 ? empty('No complete handshake was seen.') : table('Slowest handshakes', ['server', 'client', { text: 'handshake', number: true }],
      slow.map((row) => [open(row, slow), h('bdi', {}, at('src_ip', row)), span(at('tcp_handshake_us', row))]))),
    card('Most retransmissions', null, lossy.length === 0 ? empty('No retransmission was seen.') : table('Most retransmissions', ['server', 'client', { text: 'packets', number: true }, { text: 'repeated or late', number: true }],
      lossy.map((row) => [open(row, lossy), h('bdi', {}, at('src_ip', row)), count(at('total_packets', row, 0)), `${count(losses(row))} (${share(losses(row), at('total_packets', row, 0))})`]))),
  ];
}));

const failedNames = () => {
  if (!isFiltered()) return data.failed_names.rows;
  const found = new Map();
  for (const row of selection().rows) {
    const [name, code] = [at('dns_query_name', row), at('dns_response_code', row, 0)];
    if (name === '' || code === 0 || (code === -1 && at('dst_port', row) !== 53)) continue;
    const key = `${name}\n${code}`;
    const entry = found.get(key) ?? [name, code, 0];
    entry[2] += 1;
    found.set(key, entry);
  }
  return [...found.values()].sort((a, b) => b[2] - a[2]);
};

const namesSection = () => section('names', 'DNS names that failed', 'The first question of each flow, if its response was an error or missing.', live(() => {
  const rows = failedNames();
  const { different, exact } = data.failed_names;
  return card('Names', !isFiltered() && different > rows.length ? `${exact ? '' : 'Over '}${plural(different, 'name')}; the most frequent are shown.` : null, rows.length === 0 ? empty('None.') : limited(rows, 30, (some) =>
    table('Names', ['name', 'response', { text: 'flows', number: true }], some.map(([name, code, flows]) => [
      filterLink('dns_query_name', name, name), badge(DNS_CODES[code] ?? `code ${code}`, code === -1 ? '' : 'warn'), count(flows)]))));
}));

// Short statements at the top of the page that lead to their sections.
const findings = () => {
  const of = (rows) => rows.reduce((all, row) => all + row[1], 0);
  const old = of(versions().filter(([value]) => OLD_TLS.has(value)));
  const weak = of(weakSuites());
  const expired = data.certificates.filter((one) => expires(one) < 0).length;
  const soon = data.certificates.filter(isSoon).length - expired;
  const plain = data.plain_text.reduce((all, one) => all + one.flows, 0);
  const failed = data.failed_names.rows.filter(([, code]) => code > 0).reduce((all, [, , flows]) => all + flows, 0);
  const risky = data.risks.slice(0, 3);
  const lost = data.quality.packets > 0 && data.quality.retransmitted / data.quality.packets > 0.01;
  const all = [
    data.stats.damaged_files > 0 && ['overview', 'bad', `${plural(data.stats.damaged_files, 'capture')} not read completely`],
    expired > 0 && ['encryption', 'bad', `${plural(expired, 'expired certificate')}`],
    soon > 0 && ['encryption', 'warn', `${plural(soon, 'certificate')} about to expire`],
    old > 0 && ['encryption', 'bad', `${plural(old, 'flow')} with old TLS`],
    weak > 0 && ['encryption', 'warn', `${plural(weak, 'flow')} with weak ciphers`],
    plain > 0 && ['encryption', 'warn', `${plural(plain, 'flow')} in plain text`],
    ...risky.map(([name, flows]) => ['risks', 'warn', `${name}: ${count(flows)}`]),
    lost && ['quality', 'warn', `${share(data.quality.retransmitted, data.quality.packets)} of TCP packets retransmitted`],
    failed > 0 && ['names', 'warn', `${plural(failed, 'DNS question')} failed`],
  ].filter(Boolean);
  return all.length === 0 ? null : h('nav', { class: 'findings', 'aria-label': 'Worth a look' }, h('span', { class: 'quiet' }, 'Worth a look'),
    all.map(([target, kind, text]) => h('a', { href: `#${target}`, class: `badge ${kind}` }, h('bdi', {}, text))));
};
