import { dirname, isAbsolute, join } from 'node:path';
import { type Attempt, type FileVersion, readInclude, resolveVersions } from './attempt.ts';
import { type DiskFile, readIncluded } from './files.ts';
import { ConfigurationError, type Problem, sortProblems } from './problem.ts';
import { type LoadedConfiguration, type LoadRequest, type RemovedFile, toCacheKey } from './request.ts';
import { dropCache, type GoodFiles, readGoodFiles, writeCache, writeGoodFiles } from './state-folder.ts';

/** [case F08] A deploy gone wrong, or somebody's hand, must not silently end the monitoring of what a file described. */
const KEPT_FOR_MS = 24 * 3_600_000;
/** Each costs a reading of all files. */
const MOST_ACQUITTED = 20;

interface Found {
  globalFile: DiskFile;
  /** Folder of the cache and of the last good versions. */
  folder: string;
}

/** Reads, validates and resolves all files, the slow way. */
export async function loadFiles(request: LoadRequest, found: Found): Promise<LoadedConfiguration> {
  const loader = new Loader(request, found);
  return loader.load();
}

/** Accepts that files are gone; answers their names. */
export function forgetRemoved(path: string, found: Found): string[] {
  const good = readGoodFiles(found.folder);
  const { name } = found.globalFile;
  const include = readInclude({ ...found.globalFile, role: 'global', choice: 'disk' });
  const present = new Set([name, ...readIncluded(path, include).map((file) => file.name)]);
  const gone = [...good.keys()].filter((each) => !present.has(each));
  for (const each of gone) good.delete(each);
  if (gone.length > 0) {
    dropCache(found.folder);
    writeGoodFiles(found.folder, good);
  }
  return gone;
}

class Loader {
  private readonly request: LoadRequest;
  private readonly found: Found;
  private readonly good: GoodFiles;
  /** Files whose last good version is used, or which are left out, instead of what is on disk. */
  private readonly choices = new Map<string, 'good' | 'dropped'>();
  /** Those of them that may have no part in the mistake, oldest first: it was made together with others. */
  private readonly suspects = new Set<string>();
  private versions: FileVersion[] = [];
  /** What the last attempt found on disk, whatever it made of it. */
  private disk: DiskFile[] = [];
  constructor(request: LoadRequest, found: Found) {
    this.request = request;
    this.found = found;
    this.good = request.mode === 'check' ? new Map() : readGoodFiles(found.folder);
  }

  async load(): Promise<LoadedConfiguration> {
    const found: Problem[] = [];
    let last = await this.try();
    while (last.problems.length > 0) {
      // One file that is no YAML hides what is wrong in others: every round may find more.
      found.push(...last.problems);
      const canGoOn = this.request.mode !== 'check' && this.fallBack(last.problems);
      if (!canGoOn) throw new ConfigurationError(sortProblems(found));
      last = await this.try();
    }
    last = await this.acquit(last);
    const problems = sortProblems(found);
    const removed = this.listRemoved();
    const warnings = sortProblems(last.warnings);
    if (this.request.mode === 'run') this.save(last, { problems, removed, warnings });
    return { configuration: last.configuration, warnings, problems, removed, isCached: false };
  }

  private async try(): Promise<Attempt> {
    const { path } = this.request;
    const globalVersion = this.toVersion(this.found.globalFile, 'global');
    const included = readInclude(globalVersion);
    const disk = readIncluded(path, included).filter((file) => file.shown !== this.found.globalFile.shown);
    this.disk = [this.found.globalFile, ...disk];
    const names = new Set(disk.map((file) => file.name));
    this.versions = [globalVersion, ...disk.map((file) => this.toVersion(file, 'drop-in'))];
    for (const [name, { text, missingSince }] of this.good) {
      if (name === this.found.globalFile.name || names.has(name) || !this.isKept(missingSince)) continue;
      if (this.choices.get(name) !== 'dropped')
        this.versions.push({ name, shown: this.toShown(name), role: 'removed', text, choice: 'good' });
    }
    this.versions = this.versions.filter((version) => version.choice !== 'dropped');
    return resolveVersions(this.request, this.versions);
  }

  private toShown(name: string): string {
    return isAbsolute(name) ? name : join(dirname(this.request.path), name);
  }

  private isKept(missingSince: number | undefined): boolean {
    // A clock that went back must not keep a file for longer than from now on.
    return missingSince === undefined || this.request.now - Math.min(missingSince, this.request.now) < KEPT_FOR_MS;
  }

  private toVersion(file: DiskFile, role: FileVersion['role']): FileVersion {
    const choice = this.choices.get(file.name) ?? 'disk';
    const { name, shown } = file;
    if (choice === 'good') return { name, shown, role, choice, text: this.good.get(name)?.text ?? '' };
    return { ...file, role, choice };
  }

  /**
   * Makes the next choice: a changed global file with a mistake goes back first, as others depend on it; a removed file that no longer fits is left out; a changed file with a mistake goes back to its last good
   * version; if the mistakes are in files that did not change, then what changed goes back: those that made a mistake together with them,
   * and if there is none of these, all. What is bad even then is left out.
   * False when the global file is bad and there is nothing to go back to.
   */
  private fallBack(problems: Problem[]): boolean {
    const bad = this.versions.filter((version) => problems.some((problem) => problem.file === version.shown));
    const general = bad.filter((version) => version.role === 'global' && this.isChanged(version));
    if (general.length > 0) return this.choose(general);
    const removed = bad.filter((version) => version.role === 'removed');
    if (removed.length > 0) return this.choose(removed);
    const changed = bad.filter((version) => this.isChanged(version));
    if (changed.length > 0) {
      const isShared = ({ shown }: FileVersion) =>
        problems.every(({ file, also }) => file !== shown || (also !== undefined && also !== shown));
      return this.choose(changed, changed.filter(isShared));
    }
    const partners = this.versions.filter(
      (version) => this.isChanged(version) && problems.some(({ also }) => also === version.shown),
    );
    if (partners.length > 0) return this.choose(partners, partners);
    const others = this.versions.filter((version) => this.isChanged(version));
    if (others.length > 0 && this.good.size > 0) return this.choose(others, others);
    return bad.length > 0 && this.choose(bad);
  }

  /**
   * Who went back for a mistake that files make together is tried again, one by one, now that the others went back too: a file with a
   * lie in it, such as another host's key, must not hold up what the others say.
   */
  private async acquit(last: Attempt): Promise<Attempt> {
    let best = last;
    if (this.choices.size < 2) return best;
    for (const name of [...this.suspects].slice(0, MOST_ACQUITTED)) {
      const choice = this.choices.get(name);
      const { versions, disk } = this;
      if (choice === undefined) continue;
      this.choices.delete(name);
      const attempt = await this.try();
      if (attempt.problems.length === 0) best = attempt;
      else {
        this.choices.set(name, choice);
        this.versions = versions;
        this.disk = disk;
      }
    }
    return best;
  }

  private isChanged(version: FileVersion): boolean {
    return version.choice === 'disk' && version.role !== 'removed' && this.good.get(version.name)?.text !== version.text;
  }

  private choose(versions: FileVersion[], suspects: FileVersion[] = []): boolean {
    for (const { name } of suspects) this.suspects.add(name);
    for (const version of versions) {
      const hasGood = version.choice === 'disk' && this.isChanged(version) && this.good.has(version.name);
      if (!hasGood && version.role === 'global') return false;
      this.choices.set(version.name, hasGood ? 'good' : 'dropped');
    }
    return true;
  }

  private listRemoved(): RemovedFile[] {
    const { now } = this.request;
    return this.versions
      .filter((version) => version.role === 'removed')
      .map(({ name, shown }) => {
        const since = Math.min(this.good.get(name)?.missingSince ?? now, now);
        return { name: shown, since, until: since + KEPT_FOR_MS };
      });
  }

  private save(last: Attempt, outcome: { problems: Problem[]; removed: RemovedFile[]; warnings: Problem[] }): void {
    const { folder } = this.found;
    const since = new Map(outcome.removed.map((file) => [file.name, file.since]));
    const good: GoodFiles = new Map();
    for (const { name, shown, text = '' } of this.versions) {
      const missingSince = since.get(shown);
      good.set(name, { text, ...(missingSince === undefined ? {} : { missingSince }) });
    }
    try {
      const isSettled = JSON.stringify([...good]) === JSON.stringify([...this.good]);
      if (!isSettled) writeGoodFiles(folder, good);
      const key = toCacheKey(this.request, this.disk);
      // While last good versions are in use, the next run may decide differently: what has not settled is decided again.
      const isClean = outcome.problems.length === 0 && outcome.removed.length === 0;
      if (key === undefined || !(isClean || isSettled)) dropCache(folder);
      else writeCache(folder, { key, include: last.include, configuration: last.configuration, ...outcome });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === undefined) throw error;
      const message = `the last good configuration cannot be kept, expected a folder that can be written, found ${code}`;
      outcome.warnings.push({ file: folder, line: 1, column: 1, path: '', message });
    }
  }
}
