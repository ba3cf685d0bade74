// Light and dark themes, which the charts follow.

const probe = h('span', { hidden: true });
const colour = (name) => {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
};

const prefersDark = matchMedia('(prefers-color-scheme: dark)');
const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');
const printing = matchMedia('print');
const drawings = [];
const redraw = () => drawings.forEach((draw) => draw());

const isDark = () => {
  if (printing.matches) return false;
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : prefersDark.matches;
};

const themeButton = () => {
  const button = h('button', { type: 'button', class: 'theme', onclick: () => {
    document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
    update();
    redraw();
  } });
  const update = () => {
    const next = isDark() ? 'light' : 'dark';
    button.textContent = isDark() ? '☀' : '☾';
    button.setAttribute('aria-label', `Use ${next} colours`);
    button.title = `Use ${next} colours`;
  };
  update();
  prefersDark.addEventListener('change', () => {
    update();
    redraw();
  });
  printing.addEventListener('change', redraw);
  return button;
};

// Creates a chart in `element`; `options` returns its contents.
const chart = (element, options) => {
  const drawing = charts.init(element, null, { renderer: 'svg' });
  // Lets the style sheet for print scale the drawing to the paper.
  const frame = () => element.querySelector('svg')?.setAttribute('viewBox', `0 0 ${drawing.getWidth()} ${drawing.getHeight()}`);
  const draw = () => {
    drawing.setOption({
      animation: !reducedMotion.matches,
      animationDuration: 250,
      animationDurationUpdate: 250,
      textStyle: { fontFamily: 'system-ui, sans-serif', color: colour('--text') },
      ...options(),
    }, { notMerge: true });
    frame();
  };
  new ResizeObserver(() => {
    if (printing.matches) return;
    drawing.resize();
    frame();
  }).observe(element);
  drawings.push(draw);
  return { drawing, draw };
};

const tooltip = () => ({
  renderMode: 'richText',
  confine: true,
  backgroundColor: colour('--raised'),
  borderColor: colour('--line'),
  textStyle: { color: colour('--text'), fontSize: 12 },
});
