/** What listens where, in the words of a check: only ports whose protocol is known by convention and greets at once. */
const WELL_KNOWN: { port: number; name: string; options: string; comment: string }[] = [
  { port: 22, name: 'ssh', options: 'type: tcp, port: 22, expect: "SSH-"', comment: 'greets first' },
  { port: 25, name: 'smtp', options: 'type: tcp, port: 25, expect: "220"', comment: 'mail server' },
  { port: 53, name: 'dns-port', options: 'type: tcp, port: 53', comment: 'name server; better: type dns with a name of yours' },
  {
    port: 80,
    name: 'http',
    options: 'type: http, url: "http://${host.address}/", status: "200-499"',
    comment: 'narrow the status, add body: WORDS',
  },
  { port: 143, name: 'imap', options: 'type: tcp, port: 143, expect: "* OK"', comment: 'mailboxes' },
  { port: 389, name: 'ldap', options: 'type: tcp, port: 389', comment: 'directory' },
  {
    port: 443,
    name: 'https',
    options: 'type: tls, port: 443, tls: { verify: false }',
    comment: 'expiry only; remove verify: false where the name fits',
  },
  { port: 587, name: 'submission', options: 'type: tcp, port: 587, expect: "220"', comment: 'mail from users' },
  { port: 993, name: 'imaps', options: 'type: tls, port: 993, tls: { verify: false }', comment: 'expiry only' },
  { port: 3306, name: 'mysql', options: 'type: tcp, port: 3306', comment: 'database' },
  { port: 5222, name: 'xmpp', options: 'type: tcp, port: 5222', comment: 'chat' },
  { port: 5432, name: 'postgresql', options: 'type: tcp, port: 5432', comment: 'database' },
  { port: 9050, name: 'tor', options: 'type: tcp, port: 9050', comment: 'SOCKS: see proxies in docs/configuration.md' },
];

/** Of /proc/net/tcp and tcp6 (proc(5)): addresses in host byte order, 32 bits at a time; state 0A is LISTEN. */
const REACHABLE = new Set(['0100007F', '00000000', '00000000000000000000000000000000', '0000000000000000FFFF00000100007F']);

/** Ports that accept connections to 127.0.0.1, from the text of /proc/net/tcp and /proc/net/tcp6. */
export function readListeningPorts(...tables: string[]): number[] {
  const ports = new Set<number>();
  for (const line of tables.flatMap((table) => table.split('\n'))) {
    const [, address = '', port = ''] = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A /.exec(line) ?? [];
    if (REACHABLE.has(address)) ports.add(Number.parseInt(port, 16));
  }
  return [...ports].sort((a, b) => a - b);
}

/** Lines of YAML, one check for each port that is known; `indent` spaces in front. */
export function toChecks(ports: number[], indent: number): string {
  const found = WELL_KNOWN.filter(({ port }) => ports.includes(port));
  return found.map(({ name, options, comment }) => `${' '.repeat(indent)}${name}: { ${options} }  # ${comment}\n`).join('');
}
