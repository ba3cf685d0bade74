// Bytes by application over time; a brush filters.

const timelineSection = () => {
  const { start_us: start, width_us: width, series } = data.timeline;
  const length = series.length ? series[0].bytes.length : 0;
  if (length === 0) {
    return section('time', 'Time line', null, empty('No packets in flows.'));
  }
  const edge = (place) => start + place * width;

  // Bytes of flows by application in the intervals, spread evenly over each flow.
  const computed = () => {
    if (!isFiltered() || (filters.time && filters.values.size === 0 && filters.search === '')) return series;
    const found = new Map();
    for (const row of selection().anyTime) {
      const name = at('application_name', row, null);
      const line = found.get(name) ?? new Array(length).fill(0);
      found.set(name, line);
      const [from, to, size] = [firstSeen(row), lastSeen(row), at('total_bytes', row, 0)];
      const first = Math.max(0, Math.min(length - 1, Math.floor((from - start) / width)));
      const last = Math.max(first, Math.min(length - 1, Math.floor((to - start) / width)));
      for (let place = first; place <= last; place += 1) {
        const inside = Math.min(to, edge(place + 1)) - Math.max(from, edge(place));
        line[place] += to > from && last > first ? (size * Math.max(0, inside)) / (to - from) : size;
      }
    }
    return [...found].map(([name, line]) => ({ name, bytes: line }));
  };

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
  const [from, to] = ['From', 'To'].map((name) => {
    const input = h('input', { type: 'range', min: '0', max: String(length), step: '1', id: freshId('time'), 'aria-label': `${name}, start of the time filter` });
    if (name === 'To') input.setAttribute('aria-label', 'To, end of the time filter');
    return { name, input, output: h('output', { for: input.id }) };
  });
  const places = () => (filters.time ? filters.time.map((time) => Math.round((time - start) / width)) : [0, length]);
  const set = (first, end) => {
    const low = Math.max(0, Math.min(first, end - 1, length - 1));
    const high = Math.min(length, Math.max(end, low + 1));
    setTime(low === 0 && high === length ? null : [edge(low), edge(high)]);
  };
  from.input.addEventListener('input', () => set(Number(from.input.value), Math.max(places()[1], Number(from.input.value) + 1)));
  to.input.addEventListener('input', () => set(Math.min(places()[0], Number(to.input.value) - 1), Number(to.input.value)));

  const { drawing, draw } = chart(element, () => ({
    aria: { enabled: true, label: { description: `Bytes by application in ${length} intervals of ${span(width)}. The sliders below the chart filter by time.` } },
    grid: { left: 8, right: 12, top: 12, bottom: 4, containLabel: true },
    tooltip: {
      ...tooltip(), trigger: 'axis', axisPointer: { type: 'shadow' },
      formatter: (points) => {
        const used = points.filter((point) => point.value > 0).sort((a, b) => b.value - a.value);
        return [`${moment(edge(points[0].dataIndex), width)} UTC`, ...used.map((point) => `${bytes(point.value)}  ${clip(point.seriesName, 40)}`)].join('\n');
      },
    },
    xAxis: {
      type: 'category', data: Array.from({ length }, (_, place) => clock(edge(place), width / 4)),
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
      data: line.bytes.map(Math.round), barCategoryGap: length > 100 ? '0%' : '12%', large: false,
      itemStyle: { color: colour(line.name === null ? '--series-other' : colourOf(line.name)) },
      emphasis: { disabled: true },
    })),
  }));

  const brush = () => {
    drawing.dispatchAction({ type: 'takeGlobalCursor', key: 'brush', brushOption: { brushType: 'lineX', brushMode: 'single' } });
    const [first, end] = places();
    const areas = filters.time ? [{ brushType: 'lineX', xAxisIndex: 0, coordRange: [first, end - 1] }] : [];
    drawing.dispatchAction({ type: 'brush', areas });
  };
  const update = () => {
    draw();
    brush();
    const [first, end] = places();
    from.input.value = String(first);
    to.input.value = String(end);
    from.output.textContent = clock(edge(first), width);
    to.output.textContent = clock(edge(end), width);
    for (const { input, output } of [from, to]) input.setAttribute('aria-valuetext', `${output.textContent} UTC`);
    show(legend, lines().map((line) => h('li', {}, line.name === null
      ? h('span', { class: 'key' }, h('i', { style: { background: 'var(--series-other)' } }), 'other applications')
      : h('button', { type: 'button', class: 'key', 'data-key': `legend-${line.name}`, 'aria-pressed': String(hasFilter('application_name', line.name)), onclick: () => toggle('application_name', line.name) },
        h('i', { style: { background: `var(${colourOf(line.name)})` } }), h('bdi', {}, line.name || '(none)')))));
  };
  drawing.on('brushEnd', ({ areas }) => {
    const range = areas[0]?.coordRange;
    if (range) set(Math.max(0, Math.round(range[0])), Math.min(length, Math.round(range[1]) + 1));
    else if (filters.time) setTime(null);
  });
  drawings.push(brush);
  watchers.push(update);
  update();
  return section('time', 'Time line',
    `Bytes by application, in intervals of ${span(width)}; those of a flow are spread evenly over its duration. Drag in the chart, or use the sliders, to filter by time (UTC).`,
    h('div', { class: 'card' }, element, legend,
      h('div', { class: 'range' }, [from, to].map(({ name, input, output }) => h('label', {}, h('span', {}, name), input, output)))));
};
