/** A page that says between `before` and `after` by which run it was last changed: without other changes it is not written again. */
export type SiteFile = string | Buffer | { before: string; after: string };

/** A file that is made only when its key is not the one that it was last made with. */
export interface KeyedFile {
  /** null: it is made in every run. */
  key: string | null;
  /**
   * One of hundreds: with the same key it is not even looked at, and it is not synced to the disk. What somebody altered, or a power
   * failure left empty, is made good with the next key.
   */
  isQuiet?: boolean;
  /** A quiet one that hardly ever has another key: it is synced all the same. */
  isLasting?: boolean;
  /** Told which of the files before it could not be made. */
  make(faults: readonly FileFault[]): SiteFile;
}

/** A run, and its start in milliseconds since 1970. */
export interface Since {
  run: number;
  at: number;
}

/** A file that could not be made, and since when. */
export interface FileFault {
  path: string;
  since: Since;
  error: unknown;
}

/** What becomes of a file that cannot be made, so that all the others are written. */
export interface Remedy {
  now: Since;
  /** What is no fault of the file, such as a history that cannot be read, ends the publication. */
  isFatal(error: unknown): boolean;
  /** What stands in its place, made of its last version if there is one; null: the last version stays. */
  replace(path: string, since: Since, last: string | null): SiteFile | null;
  /** Files that this publication does not name stay after a fault, which may be why it does not name them. */
  keepsRest: boolean;
}

/** A site's files by path relative to its folder, with `/`. */
export type SiteFiles = Map<string, SiteFile | KeyedFile>;
