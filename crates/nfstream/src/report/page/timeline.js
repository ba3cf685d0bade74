// Bytes by application over time; a brush filters, and a button zooms.

// Intervals of the zoomed time line.
const ZOOMED = 200;

// Adds the bytes of rows to intervals, spread evenly over each flow.
const spread = (rows, start, width, length) => {
  const found = new Map();
  const end = start + width * length;
  for (const row of rows) {
    const [from, to, size] = [firstSeen(row), lastSeen(row), at('total_bytes', row, 0)];
    if (to < start || from >= end) continue;
    const name = at('application_name', row, '');
    if (!found.has(name)) found.set(name, new Array(length).fill(0));
    const line = found.get(name);
    const first = Math.max(0, Math.floor((from - start) / width));
    const last = Math.max(first, Math.min(length - 1, Math.floor((to - start) / width)));
    for (let place = first; place <= last; place += 1) {
      const inside = Math.min(to, start + (place + 1) * width) - Math.max(from, start + place * width);
      line[place] += to > from ? (size * Math.max(0, inside)) / (to - from) : size;
    }
  }
  return [...found].map(([name, line]) => ({ name, bytes: line }));
};

const timelineSection = () => {
  const whole = { start: data.timeline.start_us, width: data.timeline.width_us, length: data.timeline.series[0]?.bytes.length ?? 0 };
  if (whole.length === 0) return section('time', 'Time line', null, empty('No packets in flows.'));
  let view = whole;
  const edge = (place) => view.start + place * view.width;
  // With the date where the view is longer than a day.
  const label = (us, width) => (view.width * view.length > 2 * 86400e6 ? (view.width > 43200e6 ? day(us) : `${day(us).slice(5)} ${clock(us).slice(0, 5)}`) : clock(us, width));

  const isOnlyTime = () => filters.values.size === 0 && filters.search === '';
  const computed = () => (view === whole && isOnlyTime() ? data.timeline.series : spread(selection().anyTime, view.start, view.width, view.length));

  // The applications with a colour of their own, and the others as one.
  const lines = () => {
    const all = computed();
    const own = all.filter((line) => colourPlaces.has(line.name));
    own.sort((a, b) => colourPlaces.get(a.name) - colourPlaces.get(b.name));
    const others = all.filter((line) => !colourPlaces.has(line.name));
    if (others.length) {
      own.push({ name: null, bytes: others[0].bytes.map((_, place) => others.reduce((some, line) => some + line.bytes[place], 0)) });
    }
    return own;
  };

  const element = h('div', { class: 'chart time' });
  const legend = h('ul', { class: 'legend' });
  const intro = h('p', { class: 'intro' });
  const slider = (name, description) => {
    const input = h('input', { type: 'range', min: '0', step: '1', id: freshId('time'), 'aria-label': `${name}, ${description} of the time filter` });
    return { name, input, output: h('output', { for: input.id }) };
  };
  const [from, to] = [slider('From', 'start'), slider('To', 'end')];
  const places = () => {
    if (!filters.time) return [0, view.length];
    const [first, end] = filters.time.map((time) => Math.max(0, Math.min(view.length, Math.round((time - view.start) / view.width))));
    return [Math.min(first, view.length - 1), Math.max(end, first + 1)];
  };
  const set = (first, end) => {
    const low = Math.max(0, Math.min(first, end - 1, view.length - 1));
    const high = Math.min(view.length, Math.max(end, low + 1));
    setTime(view === whole && low === 0 && high === view.length ? null : [edge(low), edge(high)]);
  };
  from.input.addEventListener('input', () => set(Number(from.input.value), Math.max(places()[1], Number(from.input.value) + 1)));
  to.input.addEventListener('input', () => set(Math.min(places()[0], Number(to.input.value) - 1), Number(to.input.value)));

  const zoom = (range) => {
    view = range ? { start: range[0], width: Math.max(1, (range[1] - range[0]) / ZOOMED), length: ZOOMED } : whole;
    update();
  };
  const zoomIn = h('button', { type: 'button', onclick: () => zoom(filters.time) }, 'Zoom in');
  const zoomOut = h('button', { type: 'button', onclick: () => zoom(null) }, 'Show all');

  const { drawing, draw } = chart(element, () => ({
    aria: { enabled: true, label: { description: `Bytes by application in ${view.length} intervals of ${span(view.width)}. The sliders below the chart filter by time.` } },
    grid: { left: 8, right: 12, top: 12, bottom: 4, containLabel: true },
    tooltip: {
      ...tooltip(), trigger: 'axis', axisPointer: { type: 'shadow' },
      formatter: (points) => {
        const used = points.filter((point) => point.value > 0).sort((a, b) => b.value - a.value);
        return [`${moment(edge(points[0].dataIndex), view.width)} UTC`, ...used.map((point) => `${bytes(point.value)}  ${clip(point.seriesName, 40)}`)].join('\n');
      },
    },
    xAxis: {
      type: 'category', data: Array.from({ length: view.length }, (_, place) => label(edge(place), view.width * 8)),
      axisTick: { show: false }, axisLine: { lineStyle: { color: colour('--line') } },
      axisLabel: { color: colour('--quiet'), hideOverlap: true, showMaxLabel: false },
    },
    yAxis: {
      type: 'value', axisLabel: { color: colour('--quiet'), formatter: (value) => bytes(value) },
      splitLine: { lineStyle: { color: colour('--line'), opacity: 0.6 } }, splitNumber: 4,
    },
    brush: {
      xAxisIndex: 0, brushMode: 'single', removeOnClick: true, throttleType: 'debounce', throttleDelay: 200,
      brushStyle: { color: 'rgba(110, 130, 255, 0.15)', borderColor: colour('--accent'), borderWidth: 1 },
      outOfBrush: { colorAlpha: 0.25 },
    },
    series: lines().map((line) => ({
      type: 'bar', stack: 'all', name: line.name === null ? 'other applications' : line.name || '(none)',
      data: line.bytes.map(Math.round), barCategoryGap: view.length > 100 ? '0%' : '12%',
      itemStyle: { color: colour(line.name === null ? '--series-other' : colourOf(line.name)) },
      emphasis: { disabled: true },
    })),
  }));

  const brush = () => {
    drawing.dispatchAction({ type: 'takeGlobalCursor', key: 'brush', brushOption: { brushType: 'lineX', brushMode: 'single' } });
    const [first, end] = places();
    const isWhole = first === 0 && end === view.length;
    const areas = filters.time && !isWhole ? [{ brushType: 'lineX', xAxisIndex: 0, coordRange: [first, end - 1] }] : [];
    drawing.dispatchAction({ type: 'brush', areas });
  };
  const update = () => {
    if (!filters.time) view = whole;
    draw();
    brush();
    const range = places();
    [from, to].forEach(({ input, output }, side) => {
      input.max = String(view.length);
      input.value = String(range[side]);
      output.textContent = label(edge(range[side]), view.width);
      input.setAttribute('aria-valuetext', `${moment(edge(range[side]), view.width)} UTC`);
    });
    zoomIn.disabled = !filters.time || range[1] - range[0] === view.length;
    zoomOut.hidden = view === whole;
    intro.textContent = `Bytes by application, in intervals of ${span(view.width)}; those of a flow are spread evenly over its duration. Drag in the chart, or use the sliders, to filter by time (UTC).${view !== whole && !isComplete ? ' The zoomed time line shows the flows in this page.' : ''}`;
    show(legend, lines().map((line) => h('li', {}, line.name === null
      ? h('span', { class: 'key' }, h('i', { style: { background: 'var(--series-other)' } }), 'other applications')
      : h('button', { type: 'button', class: 'key', 'data-key': `legend-${line.name}`, 'aria-pressed': String(hasFilter('application_name', line.name)), onclick: () => toggle('application_name', line.name) },
        h('i', { style: { background: `var(${colourOf(line.name)})` } }), h('bdi', {}, line.name || '(none)')))));
  };
  drawing.on('brushEnd', ({ areas }) => {
    const range = areas[0]?.coordRange;
    if (range) set(Math.max(0, Math.round(range[0])), Math.min(view.length, Math.round(range[1]) + 1));
    else if (filters.time) setTime(null);
  });
  drawings.push(brush);
  watchers.push(update);
  update();
  return section('time', 'Time line', null, intro,
    h('div', { class: 'card' }, element, legend,
      h('div', { class: 'range' }, [from, to].map(({ name, input, output }) => h('label', {}, h('span', {}, name), input, output)), h('div', { class: 'zoom' }, zoomIn, zoomOut))));
};
