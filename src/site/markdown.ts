import { type Node, Parser } from 'commonmark';
import type { Block, TextRun } from '../core/incident.ts';

/**
 * CommonMark as plain structure. Raw HTML stands there as text, a picture as its description, and a link that is neither http(s) nor
 * mailto as its words: the library's own rendering to HTML is not used, so nothing that it lets through can reach a page.
 */
export function parseMarkdown(text: string): Block[] {
  const document = new Parser({ smart: false }).parse(text);
  refuseDepth(document);
  return toBlocks(document);
}

/** Deeper than anything that means something; pages are made by recursion. */
const MAX_DEPTH = 20;

function refuseDepth(document: Node): void {
  const walker = document.walker();
  let depth = 0;
  for (let step = walker.next(); step; step = walker.next()) {
    if (!step.node.isContainer) continue;
    depth += step.entering ? 1 : -1;
    if (depth > MAX_DEPTH) throw new Error(`nested too deeply, expected at most ${MAX_DEPTH} levels`);
  }
}

function childrenOf(node: Node): Node[] {
  const children: Node[] = [];
  for (let child = node.firstChild; child !== null; child = child.next) children.push(child);
  return children;
}

function toBlocks(parent: Node): Block[] {
  return childrenOf(parent).map(toBlock);
}

function toBlock(node: Node): Block {
  switch (node.type) {
    case 'heading':
      return { kind: 'heading', runs: toRuns(node) };
    case 'list':
      return { kind: node.listType === 'ordered' ? 'numbers' : 'list', items: childrenOf(node).map(toBlocks) };
    case 'block_quote':
      return { kind: 'quote', blocks: toBlocks(node) };
    case 'code_block':
      return { kind: 'code', text: clean(node.literal ?? '') };
    case 'thematic_break':
      return { kind: 'rule' };
    case 'html_block':
      return { kind: 'paragraph', runs: [{ ...PLAIN, text: clean(node.literal ?? '') }] };
    default:
      return { kind: 'paragraph', runs: toRuns(node) };
  }
}

type Look = Omit<TextRun, 'text'>;
const PLAIN: Look = { href: '', isStrong: false, isEmphasis: false, isCode: false, isBreak: false };

function toRuns(parent: Node, look: Look = PLAIN): TextRun[] {
  return childrenOf(parent).flatMap((node): TextRun[] => {
    switch (node.type) {
      case 'strong':
        return toRuns(node, { ...look, isStrong: true });
      case 'emph':
        return toRuns(node, { ...look, isEmphasis: true });
      case 'link':
        return toRuns(node, { ...look, href: toSafeHref(node.destination ?? '') });
      case 'image':
        return toRuns(node, look);
      case 'code':
        return [{ ...look, isCode: true, text: clean(node.literal ?? '') }];
      case 'softbreak':
        return [{ ...look, text: ' ' }];
      case 'linebreak':
        return [{ ...PLAIN, isBreak: true, text: '' }];
      default:
        return [{ ...look, text: clean(node.literal ?? '') }];
    }
  });
}

const SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:']);

/** Onion services are http too. A password in an address is no address. */
function toSafeHref(destination: string): string {
  if (!URL.canParse(destination)) return '';
  const url = new URL(destination);
  return SCHEMES.has(url.protocol) && url.username === '' && url.password === '' ? url.href : '';
}

/** As the border cleaner of other text, but for spaces and line feeds, which mean something here. */
function clean(text: string): string {
  return text.replace(/[^\P{Cc}\n]|[\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}]/gu, '');
}
