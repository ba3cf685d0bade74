// Columns, filters, and the rows that pass them.

const ROWS = data.flows.rows;
const isComplete = ROWS === data.total.flows;

const reader = (cells) => {
  if (cells.texts) return (row) => cells.texts[cells.codes[row]];
  if (cells.values) return (row) => cells.values[row];
  return () => cells.same;
};

const columns = data.columns.map((column, place) => {
  const get = reader(data.flows.columns[place]);
  const keys = column.list ? (row) => [(get(row) ?? []).join(', ')] : (row) => [String(get(row))];
  return { ...column, get, keys };
});
const byName = new Map(columns.map((column) => [column.name, column]));

// The value of a column that may be missing in this report.
const at = (name, row, missing = '') => (byName.has(name) ? byName.get(name).get(row) : missing);

const microseconds = (name, row) => {
  const column = byName.get(name);
  return column ? column.get(row) * MICROSECONDS[column.unit] : 0;
};
const firstSeen = (row) => microseconds('first_seen', row);
const lastSeen = (row) => microseconds('last_seen', row);

const derived = (name, description, get, keys = (row) => [String(get(row))]) => {
  byName.set(name, { name, description, kind: 'text', group: 'report', unit: '', get, keys });
};
const split = (text) => text.split(',').map((part) => part.trim()).filter((part) => part !== '');
derived('server', 'name of the server, or its address',
  (row) => at('tls_server_name', row) || at('http_host', row) || at('dns_name', row) || at('dst_ip', row));
derived('risk', 'one of the risks of a flow', (row) => at('risks', row), (row) => split(at('risks', row)));
const FILTER_NAMES = { application_name: 'application', category_name: 'category', src_ip: 'client', dst_ip: 'server address' };

const filters = { values: new Map(), time: null, search: '' };
const watchers = [];
const changed = () => {
  cache = null;
  watchers.forEach((watcher) => watcher());
};

const isFiltered = () => filters.values.size > 0 || filters.time !== null || filters.search !== '';
const hasFilter = (name, value) => filters.values.get(name)?.has(String(value)) ?? false;

const toggle = (name, value) => {
  const key = String(value);
  const values = filters.values.get(name) ?? new Set();
  if (!values.delete(key)) values.add(key);
  if (values.size) filters.values.set(name, values);
  else filters.values.delete(name);
  changed();
};
const setTime = (range) => {
  filters.time = range;
  changed();
};
const setSearch = (text) => {
  filters.search = text;
  changed();
};
const clearFilters = () => {
  filters.values.clear();
  filters.time = null;
  filters.search = '';
  changed();
};

let haystacks = null;
const haystack = (row) => {
  if (!haystacks) {
    const texts = columns.filter((column) => column.kind !== 'instant');
    haystacks = Array.from({ length: ROWS }, (_, one) =>
      texts.map((column) => column.get(one)).filter((value) => value !== null && value !== '' && value !== 0 && value !== false).join('\n').toLowerCase());
  }
  return haystacks[row];
};

const ALL = Array.from({ length: ROWS }, (_, row) => row);
const matching = ({ values, time, search }) => {
  let rows = ALL;
  for (const [name, wanted] of values) {
    const column = byName.get(name);
    rows = rows.filter((row) => column.keys(row).some((key) => wanted.has(key)));
  }
  if (time) rows = rows.filter((row) => lastSeen(row) >= time[0] && firstSeen(row) < time[1]);
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== '');
  if (words.length) rows = rows.filter((row) => words.every((word) => haystack(row).includes(word)));
  return rows;
};

let cache = null;
// The rows under the filters, and those under all filters but that of time.
const selection = () => {
  if (!cache) {
    cache = { rows: matching(filters), tops: new Map() };
    cache.anyTime = filters.time ? matching({ ...filters, time: null }) : cache.rows;
  }
  return cache;
};

const sum = (rows, name) => rows.reduce((all, row) => all + at(name, row, 0), 0);

const total = () => {
  if (!isFiltered()) return data.total;
  const { rows } = selection();
  return { flows: rows.length, packets: sum(rows, 'total_packets'), bytes: sum(rows, 'total_bytes') };
};

// Values of a column with flows and bytes, most flows first: [value, flows, bytes].
const topValues = (column) => {
  if (!isFiltered() && column.values) {
    return { top: column.values.top, different: column.values.different, exact: column.values.exact };
  }
  const { rows, tops } = selection();
  if (!tops.has(column.name)) {
    const found = new Map();
    for (const row of rows) {
      const value = column.get(row);
      for (const key of column.keys(row)) {
        const entry = found.get(key) ?? [column.list || column.name === 'risk' ? key : value, 0, 0];
        entry[1] += 1;
        entry[2] += at('total_bytes', row, 0);
        found.set(key, entry);
      }
    }
    const top = [...found.values()].sort((a, b) => b[1] - a[1] || b[2] - a[2]);
    tops.set(column.name, { top, different: top.length, exact: true });
  }
  return tops.get(column.name);
};

// Groups with flows, packets and bytes, most bytes first.
const groups = (all, name) => {
  if (!isFiltered()) return all;
  const found = new Map();
  for (const row of selection().rows) {
    const key = at(name, row);
    const entry = found.get(key) ?? { name: key, flows: 0, packets: 0, bytes: 0 };
    entry.flows += 1;
    entry.packets += at('total_packets', row, 0);
    entry.bytes += at('total_bytes', row, 0);
    found.set(key, entry);
  }
  return [...found.values()].sort((a, b) => b.bytes - a.bytes);
};

// Colours by application stay the same under every filter.
const COLOURS = 10;
const colourPlaces = new Map(data.applications.slice(0, COLOURS).map((application, place) => [application.name, place]));
const colourOf = (name) => (colourPlaces.has(name) ? `--series-${colourPlaces.get(name)}` : '--series-other');
