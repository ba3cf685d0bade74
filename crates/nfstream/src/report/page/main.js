// The page.

const filterBar = () => {
  const bar = h('div', { class: 'filters', hidden: true });
  const status = h('p', { class: 'hidden', role: 'status' });
  const update = () => {
    bar.hidden = !isFiltered();
    const chip = (title, text, remove) => h('button', { type: 'button', class: 'chip', 'aria-label': `Remove the filter ${title} ${text}`, onclick: remove },
      h('span', { class: 'quiet' }, `${title} `), h('bdi', {}, clip(text, 60)), h('span', { 'aria-hidden': 'true' }, ' ✕'));
    const chips = [...filters.values].flatMap(([name, values]) => [...values].map((value) => {
      const column = byName.get(name);
      const typed = column.kind === 'text' || column.kind === 'label' || column.kind === 'address' || column.kind === 'mac' || column.list || value === 'true' || value === 'false' ? value : Number(value);
      return chip(FILTER_NAMES[name] ?? name, human(column, typed), () => toggle(name, value));
    }));
    if (filters.time) {
      const [first, last] = filters.time.map((time) => (isLong ? moment : clock)(time, data.timeline.width_us));
      chips.push(chip('time', `${first} to ${last}`, () => setTime(null)));
    }
    if (filters.search) chips.push(chip('search', filters.search, () => setSearch('')));
    const found = `${plural(total().flows, 'flow')} of ${count(ROWS)}${isComplete ? '' : ' in this page'}`;
    status.textContent = isFiltered() ? found : '';
    show(bar, h('span', { class: 'strong' }, found), chips,
      h('button', { type: 'button', class: 'clear', 'data-key': 'clear', onclick: clearFilters }, 'Clear filters'),
      !isComplete && h('p', { class: 'note' }, `Filters apply to the ${count(ROWS)} flows that this page holds, of ${count(data.total.flows)}.`));
  };
  watchers.push(update);
  update();
  return [bar, status];
};

const parameters = () => h('details', { class: 'card' }, h('summary', {}, h('h3', {}, 'Parameters of the run')),
  table('Parameters', ['parameter', 'value', ''], [...data.parameters].sort((a, b) => Number(b.changed) - Number(a.changed)).map((one) => [
    h('code', {}, one.name), h('bdi', {}, one.value), one.changed && badge('not the default')])));

const captures = () => data.captures.length > 1 && h('details', { class: 'card' }, h('summary', {}, h('h3', {}, plural(data.captures.length, 'capture'))),
  h('ul', { class: 'remarks' }, data.captures.map((name) => h('li', {}, h('bdi', {}, name)))));

const start = () => {
  document.title = `${data.title} – nfstream report`;
  document.body.append(probe);
  const overview = section('overview', 'Overview', null);
  const [bar, status] = filterBar();
  const sections = [overview, timelineSection, pathsSection, valuesSection, flowsSection, encryptionSection, risksSection, qualitySection, namesSection];
  const titles = [];
  const main = h('main', { id: 'main' });
  document.body.append(
    h('a', { class: 'skip', href: '#main' }, 'Skip to the report'),
    h('header', { class: 'page' },
      h('div', {}, h('p', { class: 'brand' }, 'nfstream report'), h('h1', {}, h('bdi', {}, data.title)),
        h('p', { class: 'quiet' }, [
          data.span_us && `${moment(data.span_us[0])} to ${day(data.span_us[0]) === day(data.span_us[1]) ? clock(data.span_us[1]) : moment(data.span_us[1])} UTC`,
          data.capture_bytes !== null && bytes(data.capture_bytes),
          data.condition && `flows where ${data.condition}`,
        ].filter(Boolean).join(' · '))),
      themeButton()),
    h('nav', { class: 'sections', 'aria-label': 'Sections' }, h('ul')),
    bar, status, main, detail,
    h('footer', {}, `Made by nfstream ${data.version}. This page works offline and sends nothing.`));
  for (const one of sections) {
    const element = one === overview ? overview : one();
    if (!element) continue;
    main.append(element);
    titles.push([element.id, element.querySelector('h2').textContent]);
    if (one === overview) {
      overview.append(...[findings(), facts()].filter(Boolean), h('div', { class: 'cards' },
        bars('Applications', data.applications, 'application_name'),
        h('div', { class: 'column' }, account(), bars('Categories', data.categories, 'category_name'))),
        ...[captures(), parameters()].filter(Boolean));
    }
  }
  document.querySelector('nav.sections ul').append(...titles.map(([id, title]) => h('li', {}, h('a', { href: `#${id}` }, title))));
  redraw();
};

start();
