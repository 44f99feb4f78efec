import { HtmlValidate, type RuleConfig } from 'html-validate';

const RULES: RuleConfig = {
  'no-inline-style': 'error',
  // Templates leave blank lines; what counts is what a parser sees.
  'no-trailing-whitespace': 'off',
  'long-title': 'off',
  // A title on a cell is for the mouse only: the bar's own label says it in words.
  'no-implicit-button-type': 'off',
  'require-sri': 'off',
};
const validator = new HtmlValidate({ extends: ['html-validate:recommended'], rules: RULES });
/** WCAG 2.2.1 wants a delay of 0 unless whoever reads can switch it off: the refresh is the installation's choice, off by default. */
const refreshing = new HtmlValidate({ extends: ['html-validate:recommended'], rules: { ...RULES, 'meta-refresh': 'off' } });

/** What a validator has against a page: the first five, each with its line. */
export async function mistakesOf(path: string, page: string, { isRefreshing = false } = {}): Promise<string[]> {
  const report = await (isRefreshing ? refreshing : validator).validateString(page, path);
  const found = report.results.flatMap(({ messages }) => messages.map((one) => `${one.line}: ${one.ruleId}: ${one.message}`));
  return found.slice(0, 5);
}
