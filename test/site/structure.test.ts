import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { DefaultTreeAdapterTypes } from 'parse5';
import { DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { type Element, elementsOf, pagesOf } from '../support/pages.ts';
import { type PublishedSites, publishInto } from '../support/site.ts';

const STYLE = readFileSync(new URL('../../../public/style.css', import.meta.url), 'utf8');

/** The colours of the light scheme, then with what the dark one changes. */
function colours(): Record<'light' | 'dark', Map<string, string>> {
  const blocks = [...STYLE.matchAll(/:root \{([^}]*)\}/g)].map(([, body = '']) =>
    [...body.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name = '', value = '']): [string, string] => [name, value]),
  );
  const [light = [], dark = []] = blocks;
  return { light: new Map(light), dark: new Map([...light, ...dark]) };
}

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

const TEXTS = ['ink', 'soft', 'link', 'ok', 'warning', 'critical', 'unknown', 'skipped', 'none'];
const GROUNDS = ['paper', 'card', 'wash'];

describe('the style sheet', () => {
  for (const [scheme, values] of Object.entries(colours())) {
    it(`[H2] ${scheme}: each text colour on each ground has a contrast of 4.5 at least (WCAG 2.2 AA)`, () => {
      for (const text of TEXTS) {
        for (const ground of GROUNDS) {
          const found = contrast(values.get(text) ?? '', values.get(ground) ?? '');
          assert.ok(found >= 4.5, `${text} on ${ground}: ${found.toFixed(2)}`);
        }
      }
    });

    it(`[H2] ${scheme}: on the ground of a verdict, what says it and what stands beside it can be read`, () => {
      for (const state of ['ok', 'warning', 'critical']) {
        for (const text of ['ink', 'link', state]) {
          const found = contrast(values.get(text) ?? '', values.get(`${state}-wash`) ?? '');
          assert.ok(found >= 4.5, `${text} on ${state}-wash: ${found.toFixed(2)}`);
        }
      }
    });

    it(`[H2] ${scheme}: the states' fills are told apart by who sees no red or green: the worse, the farther from the paper`, () => {
      const fill = (name: string) => values.get(`${name}-fill`) ?? '';
      const paper = values.get('paper') ?? '';
      const away = ['none', 'ok', 'warning', 'critical'].map((name) => contrast(fill(name), paper));
      for (const [i, found] of away.entries())
        assert.ok(i === 0 || found > (away[i - 1] ?? 0) * 1.3, away.map((one) => one.toFixed(2)).join(' '));
      assert.ok(contrast(fill('critical'), fill('ok')) >= 1.9);
      assert.ok(contrast(fill('unknown'), fill('ok')) >= 1.3);
      assert.ok(contrast(values.get('low') ?? '', paper) >= 2.5, 'the lowest layer of a chart');
    });
  }

  it('[H2] sizes of text and colours are those of the system, named once', () => {
    const rules = STYLE.replace(/:root \{[^}]*\}/g, '').replace(/\/\*[\s\S]*?\*\//g, '');
    assert.deepEqual(rules.match(/#[0-9a-f]{3,8}\b|rgba?\(|hsl/gi) ?? [], []);
    const sizes = [...rules.matchAll(/font-size: ([^;]+);/g)].map(([, size = '']) => size);
    assert.ok(sizes.length > 30);
    assert.deepEqual(
      sizes.filter((size) => !/^(var\(--text-(xs|s|m|l|xl|xxl)\)|1rem|1em)$/.test(size)),
      [],
    );
  });

  it('[H2] it loads nothing, and knows light, dark, narrow and print', () => {
    assert.doesNotMatch(STYLE, /url\(|@import|@font-face|expression/);
    for (const query of [
      'screen and (prefers-color-scheme: dark)',
      'max-width: 44rem',
      '@media print',
      'prefers-contrast',
      'forced-colors',
    ])
      assert.ok(STYLE.includes(query), query);
    assert.match(STYLE, /focus-visible/);
  });
});

describe('the order of every page', () => {
  let sites: PublishedSites;
  let pages: [string, Element[]][];
  before(async () => {
    sites = await publishInto(demoSnapshot(), DEMO_CATALOGUE);
    pages = pagesOf(sites).map(([path, page]) => [path, elementsOf(page)]);
  });
  after(() => sites.remove());

  const attribute = (element: Element | undefined, name: string) => element?.attrs.find((one) => one.name === name)?.value;
  const isIn = (element: Element, tag: string): boolean => {
    for (
      let one: DefaultTreeAdapterTypes.ParentNode | null = element.parentNode;
      one !== null;
      one = 'parentNode' in one ? one.parentNode : null
    ) {
      if ('tagName' in one && one.tagName === tag) return true;
    }
    return false;
  };

  it('[H2] a skip link comes first and leads to the one main landmark, between header and footer; one h1, and no heading level is left out', () => {
    assert.ok(pages.length > 40);
    for (const [path, elements] of pages) {
      const body = elements.findIndex(({ tagName }) => tagName === 'body');
      const skip = elements[body + 1];
      assert.deepEqual([skip?.tagName, attribute(skip, 'href')], ['a', '#Content'], path);
      const landmarks = elements.filter((one) => ['header', 'main', 'footer'].includes(one.tagName));
      assert.deepEqual(
        landmarks.map(({ tagName }) => tagName),
        ['header', 'main', 'footer'],
        path,
      );
      assert.equal(attribute(landmarks[1], 'id'), 'Content');
      const levels = elements.filter(({ tagName }) => /^h[1-6]$/.test(tagName)).map(({ tagName }) => Number(tagName.slice(1)));
      assert.equal(levels.filter((level) => level === 1).length, 1, path);
      assert.equal(levels[0], 1, path);
      for (const [i, level] of levels.entries())
        assert.ok(level <= (levels[i - 1] ?? 1) + 1, `${path}: h${level} after h${levels[i - 1]}`);
      assert.equal(
        attribute(
          elements.find(({ tagName }) => tagName === 'html'),
          'lang',
        ),
        'en',
      );
    }
  });

  it('[H2] a table’s headings say what they are of, navigations and sections have names, pictures have words, and no title is twice', () => {
    const titles = new Map<string, string>();
    for (const [path, elements] of pages) {
      for (const element of elements) {
        const { tagName } = element;
        if (tagName === 'th') assert.match(attribute(element, 'scope') ?? '', /^(row|col)$/, path);
        if (tagName === 'nav' || tagName === 'section')
          assert.ok(attribute(element, 'aria-label') ?? attribute(element, 'aria-labelledby'), `${path}: ${tagName}`);
        if (attribute(element, 'role') === 'img')
          assert.ok((attribute(element, 'aria-label') ?? '').length > 8, `${path}: a picture without words`);
        if (tagName === 'i') assert.ok(isIn(element, 'div') || isIn(element, 'span'), path);
      }
      const title =
        elements
          .find(({ tagName }) => tagName === 'title')
          ?.childNodes.map((node) => ('value' in node ? node.value : ''))
          .join('') ?? '';
      const key = `${path.split('/')[0]} ${title}`;
      assert.equal(titles.get(key), undefined, `${path} and ${titles.get(key)} are both ${title}`);
      titles.set(key, path);
    }
  });

  it('[H2] each chart has its numbers in a table of the same section, behind a summary', () => {
    const page = sites.files.get('private/checks/website/front-page.html') ?? '';
    const elements = elementsOf(page);
    const sections = elements.filter(
      (one) => one.tagName === 'section' && ['Hours', 'Days'].includes(attribute(one, 'aria-labelledby') ?? ''),
    );
    assert.equal(sections.length, 2);
    for (const section of sections) {
      const inner: Element[] = [];
      const walk = (node: DefaultTreeAdapterTypes.Node): void => {
        if ('tagName' in node) inner.push(node);
        if ('childNodes' in node) for (const child of node.childNodes) walk(child);
      };
      walk(section);
      const figures = inner.filter(({ tagName }) => tagName === 'figure').length;
      const rows = inner.filter((one) => one.tagName === 'tr' && isIn(one, 'details'));
      const heads = inner.filter((one) => one.tagName === 'th' && isIn(one, 'thead'));
      assert.equal(figures, 3);
      assert.equal(heads.length, 2 + 3 * figures, 'what a row is of, the share, and three figures for each chart');
      assert.equal(rows.length, 1 + (attribute(section, 'aria-labelledby') === 'Hours' ? 24 : 90));
    }
  });
});
