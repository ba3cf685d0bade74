// Most frequent values of every column.

const GROUP_TITLES = {
  base: 'Addresses, ports and volume', application: 'Application', dissection: 'Dissection', mac: 'MAC addresses', tunnel: 'Tunnel',
  network: 'Network identifiers', splt: 'First packets', end_reason: 'End of flows', payload: 'Payload', tcp_quality: 'TCP quality',
  tls: 'TLS', quic: 'QUIC', dns: 'DNS', http: 'HTTP', ssh: 'SSH', dhcp: 'DHCP', tcp_flags: 'TCP flags', community_id: 'Community ID',
  system_process: 'Process', directions: 'Directions', statistics: 'Statistics',
};

const valueCard = (column) => {
  const { top, different, exact } = topValues(column);
  const whole = total().flows;
  const largest = Math.max(1, ...top.slice(0, 8).map((value) => value[1]));
  const item = ([value, flows]) => {
    const key = Array.isArray(value) ? value.join(', ') : String(value);
    return h('li', {}, h('button', {
      type: 'button', class: 'bar', 'data-key': `${column.name}=${key}`, 'aria-pressed': String(hasFilter(column.name, key)),
      title: `${share(flows, whole)} of the flows; click to filter`, onclick: () => toggle(column.name, key),
    },
      h('span', { class: 'fill', style: { width: `${(100 * flows) / largest}%`, background: 'var(--accent)' } }),
      h('span', { class: 'name' }, h('bdi', {}, human(column, value))),
      h('span', { class: 'value' }, count(flows))));
  };
  const more = top.slice(8, 60);
  return h('div', { class: 'card value' },
    h('h4', { title: column.description }, column.name),
    h('p', { class: 'note' }, column.description),
    h('ul', { class: 'bars' }, top.slice(0, 8).map(item)),
    more.length > 0 && h('details', {}, h('summary', {}, `${count(more.length)} more of ${exact ? '' : 'over '}${plural(different, 'value')}`), h('ul', { class: 'bars' }, more.map(item))),
    !exact && h('p', { class: 'note' }, 'Counts are lower bounds: there are too many values to count all of them.'));
};

const singleValues = (single) => single.map((column, place) => [place > 0 && ', ', h('span', { title: column.description }, column.name),
  column.values.top.length > 0 && [' = ', h('bdi', {}, human(column, column.values.top[0][0]))]]);

const valuesSection = () => {
  const counted = columns.filter((column) => column.values?.top.length > 0);
  const isVaried = (column) => column.values.different > 1;
  const order = [...new Set(counted.filter(isVaried).map((column) => column.group))];
  const folds = order.map((group) => {
    const varied = counted.filter((column) => column.group === group && isVaried(column));
    const body = h('div', { class: 'values' });
    const fold = h('details', { open: group === 'base', 'data-group': group },
      h('summary', {}, h('h3', {}, GROUP_TITLES[group] ?? group), h('span', { class: 'quiet' }, plural(varied.length, 'column'))), body);
    const update = () => fold.open && show(body, varied.map(valueCard));
    fold.addEventListener('toggle', update);
    watchers.push(update);
    update();
    return fold;
  });
  const single = counted.filter((column) => !isVaried(column));
  if (single.length) {
    folds.push(h('details', {}, h('summary', {}, h('h3', {}, 'The same in all flows'), h('span', { class: 'quiet' }, plural(single.length, 'column'))),
      h('p', { class: 'note single' }, singleValues(single))));
  }
  return section('values', 'Values', 'The most frequent values of every column, with the number of flows. Click a value to filter.',
    ...(data.total.flows ? folds : [empty('No flows.')]));
};
