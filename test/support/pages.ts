import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DefaultTreeAdapterTypes, parse } from 'parse5';
import type { PublishedSites } from './site.ts';

/** Every element with its attributes' names that stands in a folder's pages, each once, sorted. Throws on a page that is not well-formed. */
export function outlineOf(folder: string): string[] {
  const seen = new Set<string>();
  const files = existsSync(folder) ? (readdirSync(folder, { recursive: true }) as string[]) : [];
  for (const file of files.filter((name) => name.endsWith('.html'))) {
    const onParseError = (error: { code: string; startLine: number }) => {
      throw new Error(`${file}:${error.startLine}: ${error.code}`);
    };
    walk(parse(readFileSync(join(folder, file), 'utf8'), { onParseError, sourceCodeLocationInfo: true }), seen);
  }
  return [...seen].sort();
}

function walk(node: DefaultTreeAdapterTypes.Node, seen: Set<string>): void {
  if ('attrs' in node) seen.add([node.tagName, ...node.attrs.map(({ name }) => name).sort()].join(' '));
  if ('childNodes' in node) for (const child of node.childNodes) walk(child, seen);
}

/** The files of published sites that people open. */
export function pagesOf(sites: PublishedSites): [string, string][] {
  return [...sites.files].filter(([name]) => name.endsWith('.html'));
}

export type Element = DefaultTreeAdapterTypes.Element;

/** Every element of a page, in its order. */
export function elementsOf(page: string): Element[] {
  const found: Element[] = [];
  const walk = (node: DefaultTreeAdapterTypes.Node): void => {
    if ('tagName' in node) found.push(node);
    if ('childNodes' in node) for (const child of node.childNodes) walk(child);
  };
  walk(parse(page));
  return found;
}
