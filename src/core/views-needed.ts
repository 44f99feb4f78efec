import { judgeNeed, type Need, neededWords, needPages } from './needed.ts';
import type { State } from './state.ts';
import { attempt, type Spoiled } from './views-faults.ts';
import type { Means, Seen } from './views-means.ts';
import { type ProblemView, type SmallRow, toProblem, toSmallRow } from './views-problem.ts';
import type { StateWord } from './views-state.ts';
import { STATE_CLASS, type StateClass } from './views-words.ts';

/** "Can we release now?": one page for each word of `needed_by`. */
export interface NeedView extends StateWord {
  name: string;
  answer: Need['answer'];
  answerClass: StateClass;
  sentence: string;
  services: (StateWord & { title: string; page: string; words: string })[];
  problems: ProblemView[];
  soft: SmallRow[];
  command: string;
}

/** What the overview says of it in one line. */
export interface NeedRow extends StateWord {
  word: State;
  name: string;
  page: string;
  answer: Need['answer'];
  words: string;
}

/** Each word's page by its path without ending, and its row. */
export function toNeeds(means: Means, spoiled: Spoiled): { need: () => Need; path: string; row: NeedRow }[] {
  const { configuration, statuses } = means.snapshot;
  const words = neededWords(configuration);
  const pages = needPages(words);
  return words.map((word) => {
    const path = pages.get(word) ?? '';
    const page = `${path}.html`;
    const judge = () => judgeNeed(configuration, statuses, word);
    const need = attempt(
      spoiled,
      () => [page],
      judge,
      () => null,
    );
    const { state, answer, sentence } = need ?? NOT_KNOWN;
    const row: NeedRow = { name: word, page, word: state, class: STATE_CLASS[state], answer, words: sentence };
    return { need: () => need ?? judge(), path, row };
  });
}

const NOT_KNOWN: Pick<Need, 'state' | 'answer' | 'sentence'> = {
  state: 'UNKNOWN',
  answer: 'not known',
  sentence: 'could not be judged',
};

export function toNeedView(
  { word, state, answer, sentence, services }: Need,
  seen: ReadonlyMap<string, Seen>,
  means: Means,
): NeedView {
  const checks = services.flatMap((one) => one.checks.flatMap(({ id }) => seen.get(id) ?? []));
  return {
    name: word,
    word: state,
    class: STATE_CLASS[state],
    answer,
    answerClass: answer === 'yes' ? 'ok' : answer === 'no' ? 'critical' : answer === 'not known' ? 'unknown' : 'warning',
    sentence,
    services: [...services]
      .sort((a, b) => RANK.indexOf(a.state) - RANK.indexOf(b.state))
      .map((one) => ({
        title: one.service.title,
        page: `services/${one.service.name}.html`,
        word: one.state,
        class: STATE_CLASS[one.state],
        words: one.checks.map(({ name }) => name).join(', '),
      })),
    problems: checks.filter(({ standing }) => standing === 'problem').map((one) => toProblem(one, means)),
    soft: checks.filter(({ standing }) => standing === 'soft').map((one) => toSmallRow(one, means)),
    command: `vigie status --needed-by ${/^[\w.-]+$/.test(word) ? word : JSON.stringify(word)} --exit-code`,
  };
}

const RANK: readonly Need['state'][] = ['CRITICAL', 'UNKNOWN', 'WARNING', 'OK'];
