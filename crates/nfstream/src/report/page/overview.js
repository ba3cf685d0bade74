// Facts of the run, its packets by fate, and its applications.

const REASONS = {
  not_ip: 'not IP', encrypted: 'encrypted link', filtered: 'removed by the filter', duplicate: 'duplicate',
};
const reasonName = (reason) => REASONS[reason] ?? reason.replaceAll('_', ' ');

// Every packet read, by fate.
const fates = () => {
  const { stats } = data;
  const ignored = Object.entries(stats.ignored).sort((a, b) => b[1] - a[1]);
  return [
    { name: 'in flows', packets: stats.flow_packets, colour: '--good' },
    ...ignored.map(([reason, packets], place) => ({
      name: `ignored: ${reasonName(reason)}`, packets, colour: `--series-${[2, 3, 4, 5, 8, 9][place % 6]}`,
    })),
  ];
};

const account = () => {
  const { stats } = data;
  const all = fates();
  const bar = h('div', { class: 'stack', role: 'img', 'aria-label': all.map((fate) => `${fate.name} ${share(fate.packets, stats.packets)}`).join(', ') },
    all.filter((fate) => fate.packets > 0).map((fate) =>
      h('span', { title: `${fate.name}: ${count(fate.packets)}`, style: { 'flex-grow': String(fate.packets), background: `var(${fate.colour})` } })));
  const rows = all.map((fate) => [
    h('span', { class: 'key' }, h('i', { style: { background: `var(${fate.colour})` } }), fate.name),
    count(fate.packets), share(fate.packets, stats.packets),
  ]);
  const remarks = [
    stats.late_packets && `${plural(stats.late_packets, 'packet')} older than the one before in the same flow`,
    stats.duplicate_packets && `${plural(stats.duplicate_packets, 'exact duplicate')}`,
    stats.evicted_flows && `${plural(stats.evicted_flows, 'flow')} ended early to make room for others`,
    stats.damaged_files && `${plural(stats.damaged_files, 'capture')} could not be read to the end`,
    stats.reception && `${plural(stats.reception.received, 'packet')} received, ${count(stats.reception.dropped_by_kernel)} dropped by the kernel, ${count(stats.reception.dropped_by_interface)} by the interface`,
    stats.flows !== data.total.flows && `${count(data.total.flows)} of ${plural(stats.flows, 'flow')} match the condition`,
  ].filter(Boolean);
  return card('Packets by fate', `${plural(stats.packets, 'packet')} read; each one is in a flow or ignored for a reason.`,
    stats.packets > 0 && bar,
    table('Packets by fate', ['fate', { text: 'packets', number: true }, { text: 'share', number: true }], rows),
    remarks.length > 0 && h('ul', { class: 'remarks' }, remarks.map((remark) => h('li', {}, remark))),
    data.warnings.length > 0 && h('div', { class: 'warnings' }, h('h4', {}, 'Warnings'), h('ul', {}, data.warnings.map((warning) => h('li', {}, warning)))));
};

const facts = () => {
  const list = h('dl', { class: 'tiles' });
  const update = () => {
    const now = total();
    const of = (part, all, text) => (isFiltered() ? [text(part), h('small', {}, `of ${text(all)}`)] : text(part));
    const time = data.span_us;
    const tiles = [
      ['Flows', of(now.flows, data.total.flows, short)],
      ['Packets', of(now.packets, data.total.packets, short)],
      ['Bytes', of(now.bytes, data.total.bytes, bytes)],
      ['Time', time ? [span(time[1] - time[0]), h('small', {}, `from ${moment(time[0])} UTC`)] : '–'],
      ['Average rate', time && time[1] > time[0] ? rate((8e6 * data.total.bytes) / (time[1] - time[0])) : '–'],
      ['Applications', short(groups(data.applications, 'application_name').length)],
    ];
    show(list, tiles.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
  };
  watchers.push(update);
  update();
  return list;
};

// Bars of groups; a click filters.
const bars = (title, all, name) => {
  const body = h('div');
  let isLong = false;
  const update = () => {
    const found = groups(all, name);
    const rest = found.length - 12;
    const shown = isLong ? found.slice(0, 300) : found.slice(0, 12);
    const largest = Math.max(1, ...shown.map((group) => group.bytes));
    const whole = total().bytes;
    show(body,
      found.length === 0 ? empty('No flows.') : h('ul', { class: 'bars' }, shown.map((group) => h('li', {}, h('button', {
        type: 'button', class: 'bar', 'data-key': `${name}=${group.name}`, 'aria-pressed': String(hasFilter(name, group.name)),
        title: `${plural(group.flows, 'flow')}, ${plural(group.packets, 'packet')}; click to filter`,
        onclick: () => toggle(name, group.name),
      },
        h('span', { class: 'fill', style: { width: `${(100 * group.bytes) / largest}%`, background: name === 'application_name' ? `var(${colourOf(group.name)})` : 'var(--accent)' } }),
        h('span', { class: 'name' }, h('bdi', {}, group.name || '(none)')),
        h('span', { class: 'value' }, bytes(group.bytes)),
        h('span', { class: 'part' }, share(group.bytes, whole)))))),
      rest > 0 && h('button', { type: 'button', class: 'more', 'data-key': `more-${name}`, onclick: () => {
        isLong = !isLong;
        update();
      } }, isLong ? 'Show fewer' : `Show ${count(Math.min(rest, 288))} more`));
  };
  watchers.push(update);
  update();
  return card(title, 'By bytes. Click to filter.', body);
};
