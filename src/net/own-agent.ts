import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../check-type.ts';
import { LookFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';

/** The agent that comes with vigie stands at the top, as far above as the compiled module, the bundle and its chunks are deep. */
export const OWN_AGENT = join(import.meta.dirname, '../../../cron/vigie-agent');

/** Lets this machine say how it is, as the user that vigie runs as: what only root sees is missing. */
export async function runOwnAgent(configuration: string, { spawn }: Context): Promise<void> {
  if (!existsSync(OWN_AGENT)) throw new LookFailure('report.agent', `${OWN_AGENT} is missing`);
  // apt-get maps its lists into memory.
  const { exitCode, stderr } = await spawn({ file: 'sh', args: [OWN_AGENT, 'report', configuration], maxMemory: 2 ** 31 });
  if (exitCode !== 0) throw new LookFailure('report.agent', cleanText(stderr, 120) || `the agent ended with ${exitCode}`);
}
