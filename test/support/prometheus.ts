import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, type StartedServer, startServer, statusOf, temporaryFolder } from './server.ts';

export interface Exporter {
  port: number;
  /** Writes a file of the textfile collector. */
  write(name: string, text: string): void;
  stop(): Promise<void>;
}

/** The real node exporter with these collectors and that of text files. */
export async function startNodeExporter(
  collectors = ['filesystem', 'loadavg', 'time', 'meminfo'],
  env: NodeJS.ProcessEnv = {},
): Promise<Exporter> {
  const { path: folder, remove } = temporaryFolder();
  const port = await freePort();
  mkdirSync(join(folder, 'textfile'));
  const args = [
    `--web.listen-address=127.0.0.1:${port}`,
    '--collector.disable-defaults',
    ...['textfile', ...collectors].map((name) => `--collector.${name}`),
    `--collector.textfile.directory=${join(folder, 'textfile')}`,
  ];
  const isReady = async () => (await statusOf(port, '/metrics')) === 200;
  const server = await startServer('prometheus-node-exporter', args, isReady, { env });
  return {
    port,
    write: (name, text) => writeFileSync(join(folder, 'textfile', name), text),
    stop: async () => {
      await server.stop();
      remove();
    },
  };
}

/** The real Prometheus server, scraping one target each second. */
export async function startPrometheus(target: number): Promise<{ port: number; server: StartedServer; stop(): Promise<void> }> {
  const { path: folder, remove } = temporaryFolder();
  const port = await freePort();
  const scrape = `{ job_name: node, static_configs: [{ targets: ["127.0.0.1:${target}"] }] }`;
  writeFileSync(
    join(folder, 'prometheus.yml'),
    `global: { scrape_interval: 1s, scrape_timeout: 1s }\nscrape_configs: [${scrape}]\n`,
  );
  const args = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ];
  const server = await startServer('prometheus', args, async () => (await statusOf(port, '/-/ready')) === 200, { cwd: folder });
  return {
    port,
    server,
    stop: async () => {
      await server.stop();
      remove();
    },
  };
}
