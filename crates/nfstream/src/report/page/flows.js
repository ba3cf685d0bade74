// Table of flows: sorted, searched, in pages.

const PAGE = 50;
const CHIPS = { name: 'risks' };

const endpoint = (address, port) => (port ? (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`) : address);
const badge = (text, kind = '') => h('span', { class: `badge ${kind}` }, h('bdi', {}, text));

const flowColumns = [
  { id: 'first_seen', title: 'Time (UTC)', sort: firstSeen, cell: (row) => h('time', { datetime: iso(firstSeen(row)) }, (isLong ? moment : clock)(firstSeen(row), 1)) },
  { id: 'client', title: 'Client', sort: (row) => at('src_ip', row), cell: (row) => h('bdi', { class: 'whole' }, endpoint(at('src_ip', row), at('src_port', row))) },
  { id: 'server', title: 'Server', sort: (row) => at('server', row), cell: (row) => {
    const [name, address] = [at('server', row), at('dst_ip', row)];
    return [h('bdi', { class: 'strong' }, clip(name, 60)), name !== address && h('bdi', { class: 'sub' }, endpoint(address, at('dst_port', row))), name === address && at('dst_port', row) > 0 && `:${at('dst_port', row)}`];
  } },
  { id: 'application_name', title: 'Application', sort: (row) => at('application_name', row), cell: (row) =>
    h('span', { class: 'key' }, h('i', { style: { background: `var(${colourOf(at('application_name', row))})` } }), h('bdi', {}, at('application_name', row) || PROTOCOLS[at('protocol', row)] || String(at('protocol', row)))) },
  { id: 'total_bytes', title: 'Bytes', number: true, sort: (row) => at('total_bytes', row, 0), cell: (row) => bytes(at('total_bytes', row, 0)) },
  { id: 'total_packets', title: 'Packets', number: true, sort: (row) => at('total_packets', row, 0), cell: (row) => count(at('total_packets', row, 0)) },
  { id: 'duration', title: 'Duration', number: true, sort: (row) => microseconds('duration', row), cell: (row) => span(microseconds('duration', row)) },
  ...(byName.has(CHIPS.name) ? [{ id: 'risks', title: 'Risks', sort: (row) => split(at('risks', row)).length, cell: (row) => {
    const risks = split(at('risks', row));
    return [risks.slice(0, 2).map((risk) => badge(risk, 'warn')), risks.length > 2 && badge(`+${risks.length - 2}`, 'warn')];
  } }] : []),
];

const compare = (a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true }));

const flowsSection = () => {
  const state = { sort: 'total_bytes', isDescending: true, page: 0, extra: null };
  const head = h('tr');
  const body = h('tbody');
  const place = h('p', { class: 'place', role: 'status' });
  const note = h('p', { class: 'note' });
  let order = [];

  const shownColumns = () => (state.extra ? [...flowColumns, state.extra] : flowColumns);
  const find = (id) => shownColumns().find((column) => column.id === id) ?? flowColumns[0];

  const arrange = () => {
    const { sort } = find(state.sort);
    const sign = state.isDescending ? -1 : 1;
    order = [...selection().rows].sort((a, b) => sign * compare(sort(a), sort(b)) || a - b);
  };
  const pages = () => Math.max(1, Math.ceil(order.length / PAGE));

  const update = () => {
    state.page = Math.max(0, Math.min(state.page, pages() - 1));
    show(head, shownColumns().map((column) => {
      const isSorted = column.id === state.sort;
      return h('th', { scope: 'col', class: column.number && 'number', 'aria-sort': isSorted ? (state.isDescending ? 'descending' : 'ascending') : 'none' },
        h('button', { type: 'button', 'data-key': `sort-${column.id}`, onclick: () => {
          state.isDescending = isSorted ? !state.isDescending : Boolean(column.number);
          state.sort = column.id;
          state.page = 0;
          refresh();
        } }, column.title, h('span', { class: 'arrow', 'aria-hidden': 'true' }, isSorted ? (state.isDescending ? '▾' : '▴') : '')));
    }));
    const rows = order.slice(state.page * PAGE, (state.page + 1) * PAGE);
    show(body, rows.map((row) => h('tr', { 'data-row': String(row), onclick: (event) => {
      if (!event.target.closest('button') && String(getSelection()) === '') openDetail(row, order);
    } }, shownColumns().map((column, index) => h('td', { class: `${column.number ? 'number ' : ''}${column.id}` }, index === 0
      ? h('button', { type: 'button', class: 'open', 'data-key': `open-${row}`, 'aria-label': `Details of the flow from ${at('src_ip', row)} to ${clip(at('server', row), 80)}`, onclick: () => openDetail(row, order) }, column.cell(row))
      : column.cell(row))))));
    const first = order.length ? state.page * PAGE + 1 : 0;
    place.textContent = order.length ? `${count(first)}–${count(Math.min(order.length, first + PAGE - 1))} of ${plural(order.length, 'flow')}` : 'No flow matches.';
    previous.disabled = state.page === 0;
    next.disabled = state.page >= pages() - 1;
  };
  const refresh = () => {
    arrange();
    update();
  };
  const turn = (step) => () => {
    state.page += step;
    update();
  };
  const previous = h('button', { type: 'button', onclick: turn(-1) }, 'Previous');
  const next = h('button', { type: 'button', onclick: turn(1) }, 'Next');

  // Arrow keys move from flow to flow.
  body.addEventListener('keydown', (event) => {
    const buttons = [...body.querySelectorAll('button.open')];
    const now = buttons.indexOf(document.activeElement);
    const target = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (now < 0 || target === undefined) return;
    event.preventDefault();
    if (target >= buttons.length && !next.disabled) {
      turn(1)();
      body.querySelector('button.open')?.focus();
    } else if (target < 0 && !previous.disabled) {
      turn(-1)();
      [...body.querySelectorAll('button.open')].at(-1)?.focus();
    } else buttons[Math.max(0, Math.min(buttons.length - 1, target))]?.focus();
  });

  let waiting;
  const search = h('input', { type: 'search', id: 'search', placeholder: 'Address, name, port, JA4 …', autocomplete: 'off', spellcheck: 'false', oninput: () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => setSearch(search.value.trim()), 200);
  } });
  const more = h('select', { id: 'more-column', onchange: () => {
    const column = byName.get(more.value);
    state.extra = column ? {
      id: column.name, title: column.name, number: !column.list && typeof column.get(0) === 'number' && column.kind !== 'code',
      sort: (row) => column.get(row), cell: (row) => h('bdi', {}, clip(human(column, column.get(row)), 80)),
    } : null;
    if (state.extra) {
      state.sort = state.extra.id;
      state.isDescending = true;
    } else state.sort = 'total_bytes';
    refresh();
  } }, h('option', { value: '' }, 'none'), columns.map((column) => h('option', { value: column.name }, column.name)));

  watchers.push(() => {
    state.page = 0;
    if (document.activeElement !== search) search.value = filters.search;
    refresh();
  });
  refresh();
  note.textContent = isComplete
    ? `The table holds all ${plural(ROWS, 'flow')}.`
    : `The table holds ${plural(ROWS, 'flow')} of ${count(data.total.flows)}: the largest by bytes, and those with the slowest handshakes, the most retransmissions and the most risks. They have ${share(sum(ALL, 'total_bytes'), data.total.bytes)} of the bytes.`;
  return section('flows', 'Flows', null,
    h('div', { class: 'card' },
      note,
      h('div', { class: 'controls' },
        h('label', { class: 'search' }, h('span', {}, 'Search'), search),
        h('label', {}, h('span', {}, 'Add a column'), more)),
      h('div', { class: 'scroll flows', role: 'region', 'aria-label': 'Table of flows', tabindex: '0' },
        h('table', {}, h('caption', { class: 'hidden' }, 'Flows. Column headers sort; the first cell of a row opens its details; arrow keys move between rows.'), h('thead', {}, head), body)),
      h('div', { class: 'pager' }, previous, place, next)));
};
