/** One finding of the doctor: what was looked at, and what is wrong with it, or nothing. */
export interface Finding {
  subject: string;
  words: string;
  isBad: boolean;
}

export function good(subject: string, words: string): Finding {
  return { subject, words, isBad: false };
}

export function bad(subject: string, words: string): Finding {
  return { subject, words, isBad: true };
}
