export { matchesGlob } from '../core/selection.ts';

/** Characters of a text that a regular expression is run over: linear time is still time, and a peer chooses the text. */
const MAX_SEARCHED = 256 * 1024;

/** RE2 (no backtracking, so no ReDoS) over the first 256 Ki characters of a text. Loaded when first used. */
export async function compileRegex(pattern: string): Promise<(text: string) => boolean> {
  const { RE2JS } = await import('re2js');
  const compiled = RE2JS.compile(pattern);
  return (text) => compiled.test(text.slice(0, MAX_SEARCHED));
}

/** The first match's first group, or the whole match where the pattern has no group; null without a match. */
export async function findMatch(pattern: string, text: string): Promise<string | null> {
  const { RE2JS } = await import('re2js');
  const matcher = RE2JS.compile(pattern).matcher(text.slice(0, MAX_SEARCHED));
  return matcher.find() ? matcher.group(matcher.groupCount() > 0 ? 1 : 0) : null;
}

/** Whether the pattern is found in the text. */
export async function matchesRegex(pattern: string, text: string): Promise<boolean> {
  return (await compileRegex(pattern))(text);
}
