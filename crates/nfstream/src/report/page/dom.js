// Data of the page, and elements. Text from packets becomes text nodes and attribute values, never markup.

const data = JSON.parse(document.getElementById('data').textContent);

const SVG = 'http://www.w3.org/2000/svg';

const fill = (element, properties, children) => {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'style') Object.entries(value).forEach(([key, one]) => element.style.setProperty(key, one));
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
};

const h = (tag, properties = {}, ...children) => fill(document.createElement(tag), properties, children);

const svg = (tag, properties = {}, ...children) => fill(document.createElementNS(SVG, tag), properties, children);

// Replaces the contents of an element, and keeps the focus on the control with the same data-key.
const show = (element, ...children) => {
  const focused = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  if (focused === undefined) return;
  const again = [...element.querySelectorAll('[data-key]')].find((one) => one.dataset.key === focused);
  if (again) again.focus({ preventScroll: true });
};

let lastId = 0;
const freshId = (prefix) => `${prefix}-${lastId += 1}`;

// A section of the page with its heading.
const section = (id, title, intro, ...children) =>
  h('section', { id, 'aria-labelledby': `${id}-title` },
    h('h2', { id: `${id}-title` }, title),
    intro && h('p', { class: 'intro' }, intro),
    ...children);

const card = (title, note, ...children) =>
  h('div', { class: 'card' }, h('h3', {}, title), note && h('p', { class: 'note' }, note), ...children);

const empty = (text) => h('p', { class: 'empty' }, text);

// A table of `rows` of cells; a cell is text, an element, or { text, number: true }.
const table = (caption, heads, rows) =>
  h('div', { class: 'scroll', tabindex: rows.length ? '0' : undefined, role: 'region', 'aria-label': caption },
    h('table', {},
      h('caption', { class: 'hidden' }, caption),
      h('thead', {}, h('tr', {}, heads.map((head) => h('th', { scope: 'col', class: head.number && 'number' }, head.text ?? head)))),
      h('tbody', {}, rows.map((cells) =>
        h('tr', {}, cells.map((cell, place) => h('td', { class: heads[place].number && 'number' }, cell)))))));
