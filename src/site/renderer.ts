import nunjucks, { type Environment } from 'nunjucks/browser/nunjucks-slim.js';
import { renderCells, renderColumns, renderRows } from './cells.ts';

export interface Renderer {
  /** `path` is the page's place in the site, from which its relative links are made. */
  page(template: string, path: string, context: object): string;
  /** Changes with the templates. */
  version: string;
}

/**
 * Templates are compiled when vigie is built (build.mjs), with autoescape and throwOnUndefined, so that no code is made from text
 * at run time; only nunjucks' small runtime is loaded.
 */
export async function loadRenderer(): Promise<Renderer> {
  const compiled = (await import(new URL('./templates.js', import.meta.url).href)) as {
    templates: Record<string, object>;
    version: string;
  };
  const loader = new nunjucks.PrecompiledLoader(compiled.templates);
  const environment: Environment = new nunjucks.Environment([loader], { autoescape: true, throwOnUndefined: true });
  const addMarkup = <T>(name: string, render: (from: T) => string) =>
    environment.addGlobal(name, (from: T) => new nunjucks.runtime.SafeString(render(from)));
  addMarkup('cells', renderCells);
  addMarkup('columns', renderColumns);
  addMarkup('rows', renderRows);
  return {
    version: compiled.version,
    page: (template, path, context) => {
      const root = '../'.repeat(path.split('/').length - 1);
      return removeUnsafe(environment.render(template, { ...context, root }));
    },
  };
}

/**
 * Peers' text was cleaned at the border; this is the second lock: control, bidirectional and invisible characters of any other
 * origin (a note in the configuration) are taken out of the finished page.
 */
const UNSAFE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/;
const ALL_UNSAFE = new RegExp(UNSAFE, 'g');

function removeUnsafe(page: string): string {
  return UNSAFE.test(page) ? page.replace(ALL_UNSAFE, '') : page;
}
