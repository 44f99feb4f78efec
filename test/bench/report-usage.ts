// Loaded with --import into a measured process: writes its own CPU time and peak memory to descriptor 3 at its end.
import { writeSync } from 'node:fs';

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  writeSync(3, `${userCPUTime} ${systemCPUTime} ${maxRSS}\n`);
});
