// What a person would write in an afternoon, to compare with: node bare.js undici|raw|tls-undici|tls-raw URL COUNT FOLDER
// Requests to COUNT targets, 50 at a time, one naive row each, and with FOLDER 51 pages rendered from strings.
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import Sqlite from 'better-sqlite3';
import nunjucks from 'nunjucks';
import { request } from 'undici';

const [kind = 'undici', address = '', countText = '750', folder = ''] = process.argv.slice(2);
const url = new URL(address);
const count = Number(countText);

async function byUndici(): Promise<number> {
  const { statusCode, body } = await request(url, { reset: true });
  await body.text();
  return statusCode;
}

function byRawSocket(): Promise<number> {
  return new Promise((resolve, reject) => {
    const port = Number(url.port);
    const socket =
      url.protocol === 'https:'
        ? tls.connect({ host: url.hostname, port, rejectUnauthorized: false })
        : net.connect({ host: url.hostname, port });
    let text = '';
    socket.on(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      socket.write(`GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n\r\n`);
    });
    socket.on('data', (bytes) => {
      text += bytes.toString();
    });
    socket.on('end', () => resolve(Number(text.slice(9, 12))));
    socket.on('error', reject);
  });
}

async function main(): Promise<void> {
  if (kind.startsWith('tls')) process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  const ask = kind.endsWith('raw') ? byRawSocket : byUndici;
  const results: { id: string; status: number; time: number }[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const id = `check-${next}`;
      next += 1;
      const began = performance.now();
      results.push({ id, status: await ask(), time: (performance.now() - began) / 1000 });
    }
  };
  await Promise.all(Array.from({ length: 50 }, worker));
  if (folder !== '') store(results);
}

function store(results: { id: string; status: number; time: number }[]): void {
  mkdirSync(folder, { recursive: true });
  const database = new Sqlite(join(folder, 'bare.sqlite'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('CREATE TABLE IF NOT EXISTS result (at INTEGER, id TEXT, status INTEGER, time REAL)');
  const insert = database.prepare('INSERT INTO result VALUES (?, ?, ?, ?)');
  database.transaction(() => {
    for (const { id, status, time } of results) insert.run(Date.now(), id, status, time);
  })();
  database.close();
  const environment = new nunjucks.Environment(null, { autoescape: true });
  const source = `<!doctype html><title>{{ title }}</title><table>{% for row in rows %}<tr><td>{{ row.id }}</td><td>{{ row.status }}</td>
    <td>{{ row.time }}</td><td>{% for cell in cells %}<i class="{{ cell }}"></i>{% endfor %}</td></tr>{% endfor %}</table>`;
  const template = nunjucks.compile(source, environment);
  const cells = Array.from({ length: 24 }, () => 'ok');
  for (let page = 0; page < 51; page += 1) {
    const rows = page === 0 ? results : results.slice(page * 15 - 15, page * 15);
    writeFileSync(
      join(folder, `page-${page}.html`),
      template.render({ title: `page ${page}`, rows, cells: page === 0 ? [] : cells }),
    );
  }
}

await main();
process.exit(0);
