// Clients, applications and servers as a Sankey diagram.

const clip = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

const LEVELS = [
  { letter: 'c', name: 'src_ip', title: 'other clients' },
  { letter: 'a', name: 'application_name', title: 'other applications' },
  { letter: 's', name: 'server', title: 'other servers' },
];

const pathRows = () => {
  if (!isFiltered()) return data.paths.rows;
  const found = new Map();
  for (const row of selection().rows) {
    const path = [at('src_ip', row), at('application_name', row), at('server', row)];
    const key = path.join('\n');
    const entry = found.get(key) ?? [...path, 0, 0];
    entry[3] += at('total_bytes', row, 0);
    entry[4] += 1;
    found.set(key, entry);
  }
  return [...found.values()].sort((a, b) => b[3] - a[3]);
};

// Nodes and links of the largest of each level; the others are one node a level.
const diagram = (rows, otherBytes, most) => {
  const kept = LEVELS.map((_, level) => {
    const sums = new Map();
    rows.forEach((row) => sums.set(row[level], (sums.get(row[level]) ?? 0) + row[3]));
    const order = [...sums].sort((a, b) => b[1] - a[1]).slice(0, most);
    return new Set(order.map(([value]) => value));
  });
  const nodes = new Map();
  const links = new Map();
  const node = (level, value) => {
    const isOther = value === null || !kept[level].has(value);
    const id = isOther ? `${LEVELS[level].letter}*` : `${LEVELS[level].letter}:${value}`;
    if (!nodes.has(id)) nodes.set(id, { name: id, depth: level, level, value: isOther ? null : value });
    return id;
  };
  const link = (source, target, size) => {
    const key = `${source}\n${target}`;
    const entry = links.get(key) ?? { source, target, value: 0 };
    entry.value += size;
    links.set(key, entry);
  };
  const all = otherBytes > 0 ? [...rows, [null, null, null, otherBytes, 0]] : rows;
  for (const [client, application, server, size] of all) {
    if (size === 0) continue;
    const path = [client, application, server].map((value, level) => node(level, value));
    link(path[0], path[1], size);
    link(path[1], path[2], size);
  }
  return { nodes: [...nodes.values()], links: [...links.values()] };
};

const pathsSection = () => {
  if (data.paths.rows.length === 0) return section('paths', 'Conversations', null, empty('No flows.'));
  const element = h('div', { class: 'chart paths' });
  const label = (node) => (node.value === null ? LEVELS[node.level].title : node.value || '(none)');
  let nodes = new Map();
  const { drawing, draw } = chart(element, () => {
    const isNarrow = element.clientWidth < 600;
    const built = diagram(pathRows(), isFiltered() ? 0 : data.paths.other_bytes, isNarrow ? 6 : 12);
    nodes = new Map(built.nodes.map((node) => [node.name, node]));
    const paint = (node) => colour(node.level === 1 ? (node.value === null ? '--series-other' : colourOf(node.value)) : '--node');
    return {
      aria: { enabled: true, label: { description: 'Bytes from clients through applications to servers. The table below has the same paths.' } },
      tooltip: {
        ...tooltip(), trigger: 'item',
        formatter: ({ dataType, data: item, value }) => (dataType === 'edge'
          ? `${clip(label(nodes.get(item.source)), 60)} → ${clip(label(nodes.get(item.target)), 60)}\n${bytes(item.value)}`
          : `${clip(label(nodes.get(item.name)), 80)}\n${bytes(value)}`),
      },
      series: [{
        type: 'sankey', left: 4, right: 4, top: 8, bottom: 8, nodeWidth: 12, nodeGap: isNarrow ? 8 : 10, draggable: false,
        emphasis: { focus: 'trajectory' }, layoutIterations: 40,
        data: built.nodes.map((node) => ({
          name: node.name, depth: node.depth, itemStyle: { color: paint(node), borderWidth: 0 },
          label: { position: node.level === 2 ? 'left' : 'right' },
        })),
        links: built.links,
        lineStyle: { color: 'gradient', opacity: isDark() ? 0.35 : 0.28, curveness: 0.5 },
        label: {
          color: colour('--text'), fontSize: isNarrow ? 10 : 12, textBorderColor: colour('--surface'), textBorderWidth: 3,
          formatter: ({ name }) => clip(label(nodes.get(name)), isNarrow ? 16 : 34),
        },
      }],
    };
  });
  drawing.on('click', ({ dataType, data: item }) => {
    const node = dataType === 'node' ? nodes.get(item.name) : undefined;
    if (node && node.value !== null) toggle(LEVELS[node.level].name, node.value);
  });
  const rows = h('div');
  const update = () => {
    draw();
    const filterButton = (name, value) => h('button', {
      type: 'button', class: 'link', 'data-key': `path-${name}-${value}`, 'aria-pressed': String(hasFilter(name, value)), onclick: () => toggle(name, value),
    }, h('bdi', {}, value || '(none)'));
    show(rows, table('Largest paths', ['client', 'application', 'server', { text: 'bytes', number: true }, { text: 'flows', number: true }],
      pathRows().slice(0, 100).map((path) => [
        ...LEVELS.map(({ name }, level) => filterButton(name, path[level])), bytes(path[3]), count(path[4])])));
  };
  watchers.push(update);
  update();
  return section('paths', 'Conversations', 'From clients through applications to servers, by bytes. Click a name to filter.',
    h('div', { class: 'card' }, element, h('details', {}, h('summary', {}, 'The largest paths as a table'), rows)));
};
