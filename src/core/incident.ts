/** A stretch of text of one look; `href` is empty where it leads nowhere. */
export interface TextRun {
  text: string;
  href: string;
  isStrong: boolean;
  isEmphasis: boolean;
  isCode: boolean;
  /** A line ends here; such a run has no text. */
  isBreak: boolean;
}

/** What people write in Markdown, as plain structure: no markup of theirs is ever passed on. */
export type Block =
  | { kind: 'paragraph' | 'heading'; runs: TextRun[] }
  | { kind: 'list' | 'numbers'; items: Block[][] }
  | { kind: 'quote'; blocks: Block[] }
  | { kind: 'code'; text: string }
  | { kind: 'rule' };

/** What was told at one time. */
export interface Update {
  /** Milliseconds since 1970; null where its heading names no time. */
  at: number | null;
  title: string;
  blocks: Block[];
}

/** A file of `incidents/`, written by people for the public page. */
export interface Incident {
  /** The file's name without `.md`: the name of its page. */
  name: string;
  title: string;
  /** Names of services. */
  services: string[];
  started: number;
  ended: number | null;
  /** Not for the public: `vigie`, or who saw it first. */
  reportedBy: string;
  /** Not for the public. */
  author: string;
  intro: Block[];
  updates: Update[];
}

/** All files of the folder: what is good, and sentences about what is not. */
export interface IncidentBook {
  incidents: Incident[];
  problems: string[];
}

export const NO_INCIDENTS: IncidentBook = { incidents: [], problems: [] };

/** The words alone, for feeds and scripts. */
export function toPlainText(blocks: readonly Block[]): string {
  return blocks
    .map(toBlockText)
    .filter((text) => text !== '')
    .join('\n\n');
}

function toBlockText(block: Block): string {
  switch (block.kind) {
    case 'paragraph':
    case 'heading':
      return block.runs.map(({ text, isBreak }) => (isBreak ? '\n' : text)).join('');
    case 'list':
    case 'numbers':
      return block.items.map((item, i) => `${block.kind === 'list' ? '-' : `${i + 1}.`} ${toPlainText(item)}`).join('\n');
    case 'quote':
      return toPlainText(block.blocks);
    case 'code':
      return block.text.trimEnd();
    case 'rule':
      return '';
  }
}
