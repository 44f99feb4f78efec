import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../check-type.ts';
import { TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { MAX_REPORT, ReportProblem } from './host-report.ts';
import { type HttpRequest, requestHttp } from './http.ts';

/** The name of a pushed report in its inbox. */
export const REPORT_NAME = 'vigie-report';

/** The report's bytes, at most one more than may be. Throws ReportProblem, or what the network's failure is. */
export async function fetchReport(request: Omit<HttpRequest, 'maxBody'>, context: Context): Promise<Buffer> {
  const response = await ask(request, context);
  if (response.status !== 200) throw new ReportProblem('missing', `HTTP ${response.status}, expected the host's report`);
  return response.body;
}

async function ask(request: Omit<HttpRequest, 'maxBody'>, context: Context) {
  try {
    return await requestHttp({ ...request, maxBody: MAX_REPORT }, context);
  } catch (error) {
    // A longer body or one that is packed is no report, whatever it unpacks to.
    const isSize = error instanceof TargetFailure && (error.code === 'size.body' || error.code.startsWith('encoding.'));
    if (isSize) throw new ReportProblem('size', `${error.message}, expected at most ${MAX_REPORT} plain bytes`, { cause: error });
    throw error;
  }
}

/** A report that the machine pushed into its inbox. */
export function readInbox(folder: string): Promise<Buffer> {
  return readReportFile(join(folder, REPORT_NAME));
}

/** Whoever may write into an inbox may put a link or a pipe there: neither is followed nor waited for. */
export async function readReportFile(path: string): Promise<Buffer> {
  const file = await openFile(path);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new ReportProblem('missing', `${cleanText(path, 100)} is no regular file`);
    const buffer = Buffer.alloc(MAX_REPORT + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length);
    }
  } finally {
    await file.close();
  }
}

async function openFile(path: string) {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = cleanText((error as NodeJS.ErrnoException).code ?? 'unknown', 20);
    const why = code === 'ELOOP' ? 'is a symbolic link, expected a file' : `cannot be read (${code})`;
    throw new ReportProblem('missing', `${cleanText(path, 100)} ${why}`, { cause: error });
  }
}
