/** What the system says of its clock: true, false, or null where it cannot say (no systemd, no bus, a container). */
export async function readSynchronisation(): Promise<boolean | null> {
  const command = { file: 'timedatectl', args: ['show', '--property', 'NTPSynchronized', '--value'] };
  // Asked once an hour: the other runs do not load what starts a program.
  const { runChild } = await import('./child.ts');
  const said = await runChild(command, AbortSignal.timeout(5000)).catch(() => null);
  const word = said?.exitCode === 0 ? said.stdout.trim() : '';
  return word === 'yes' ? true : word === 'no' ? false : null;
}
