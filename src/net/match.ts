/** Characters of a text that a regular expression is run over: linear time is still time, and a peer chooses the text. */
const MAX_SEARCHED = 256 * 1024;

/** Whether RE2 (no backtracking, so no ReDoS) finds the pattern in the first 256 Ki characters. Loaded when first used. */
export async function matchesRegex(pattern: string, text: string): Promise<boolean> {
  const { RE2JS } = await import('re2js');
  return RE2JS.compile(pattern).test(text.slice(0, MAX_SEARCHED));
}
