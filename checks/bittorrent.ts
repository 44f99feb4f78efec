import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Bound, Context, Observation, Part } from '../src/check-type.ts';
import { cleanText, defineCheckType, LookFailure, option, TargetFailure } from '../src/check-type.ts';
import { requestHttp } from '../src/net/http.ts';
import { withoutLogin } from '../src/net/http-options.ts';
import { parseListing } from '../src/net/listing.ts';
import { matchesGlob } from '../src/net/match.ts';
import { lookAtPeer, type PeerLook } from '../src/net/peer.ts';
import { parseTorrent, type Torrent } from '../src/net/torrent.ts';
import { type Announced, announce, type Peer } from '../src/net/tracker.ts';

const options = {
  file: option.text('Path of the torrent.', { optional: true }),
  url: option.url('Address of the torrent.', { optional: true, schemes: ['http', 'https'] }),
  listing: option.object(
    'A directory index, of which the newest torrent is taken.',
    {
      url: option.url('Address of the index.', { schemes: ['http', 'https'] }),
      match: option.text('Which entries count: a pattern.', { default: '*.torrent', maxLength: 200 }),
    },
    { optional: true },
  ),
  trackers: option.list(
    'Trackers that are asked; default: those of the torrent, if they are at public addresses. UDP only without a proxy.',
    option.url('Such as `udp://tracker.example.org:6969/announce`.', { schemes: ['http', 'https', 'udp'] }),
    { optional: true, orOne: true, minItems: 1, maxItems: 20 },
  ),
  min_seeds: option.integer('So many peers at least must prove that they have all pieces.', { default: 1, min: 1, max: 50 }),
  max_peers: option.integer('So many peers are greeted at most.', { default: 20, min: 1, max: 50 }),
  piece: option.boolean('Whether one piece is fetched from a seed and compared by SHA-1.', { default: false }),
  piece_timeout: option.duration(
    'A seed has so long to serve it, most need ten seconds: the `timeout` of the check must be longer.',
    {
      default: '20s',
      min: 1,
      max: 300,
    },
  ),
  peer_timeout: option.duration('A tracker and a peer have so long each.', { default: '5s', min: 1, max: 60 }),
  allow_private: option.boolean('Whether trackers and peers that others name may be at private addresses.', { default: false }),
};
type TorrentOptions = Bound<typeof options>;

export default defineCheckType({
  type: 'bittorrent',
  summary: 'A torrent is seeded: its trackers know peers that prove to have all of it.',
  options,
  metrics: {
    seeds: { unit: '', label: 'Seeds', help: 'Peers that were greeted and have all pieces.' },
    peers: { unit: '', label: 'Peers', help: 'Peers that the trackers named, each once.' },
    announced_seeds: { unit: '', label: 'Announced seeds', help: 'What the trackers say: the most of one, no proof.' },
    trackers_failed: { unit: '', label: 'Trackers failed', help: 'Trackers without an answer that can be used.' },
  },
  thresholds: {},
  example: { listing: { url: 'https://www.example.org/torrents/', match: 'os-*.torrent' }, min_seeds: 2 },
  proxied: true,
  target: ({ file, url, listing }) => (file ? cleanText(file, 200) : withoutLogin(url ?? listing?.url ?? '')),
  validate: ({ file, url, listing }) =>
    [file, url, listing].filter((one) => one !== undefined).length === 1 ? {} : { file: 'one of file, url and listing' },
  run: observe,
});

async function observe(bound: TorrentOptions, context: Context): Promise<Observation> {
  const torrent = parseTorrent(await readTorrent(bound, context));
  context.trace(`${torrent.name}: ${torrent.pieceCount} pieces, info-hash ${torrent.infoHash.toString('hex')}`);
  const told = await askTrackers(bound, torrent, context);
  const answers = told.flatMap(({ answer }) => (answer instanceof Error ? [] : [answer]));
  const peers = toDistinct(answers.flatMap((answer) => answer.peers));
  const look = { torrent, peerId: toPeerId(), publicOnly: !bound.allow_private, piece: bound.piece };
  const seeds = await greet(peers, bound, look, context);
  const metrics = {
    seeds: seeds.length,
    peers: peers.length,
    announced_seeds: Math.max(0, ...answers.map((answer) => answer.seeds)),
    trackers_failed: told.length - answers.length,
  };
  const parts = told.map(toPart);
  const name = cleanText(torrent.name, 40);
  const [first] = told;
  if (answers.length === 0 && first?.answer instanceof Error) {
    const output = told.length === 1 ? first.answer.message : `no tracker of ${told.length} answers: ${first.answer.message}`;
    if (first.answer instanceof LookFailure) return { kind: 'unknown', code: first.answer.code, output, metrics, parts };
    return { kind: 'failed', code: first.answer.code, output, metrics, parts };
  }
  if (seeds.length < bound.min_seeds) {
    const output = `${name}: ${seeds.length} of ${peers.length} peers prove to be seeds, expected at least ${bound.min_seeds}`;
    return { kind: 'failed', code: 'seed.few', output, metrics, parts };
  }
  const fault = bound.piece ? findServingFault(seeds) : null;
  if (fault !== null) {
    return { kind: 'failed', code: 'seed.not_serving', output: `${name}: ${seeds.length} seeds, which ${fault}`, metrics, parts };
  }
  const served = bound.piece ? ', a piece is right' : '';
  return { kind: 'measured', output: `${name}: ${seeds.length} seeds of ${peers.length} peers${served}`, metrics, parts };
}

/** Another one each time, as BEP 20 writes them. */
function toPeerId(): Buffer {
  return Buffer.concat([Buffer.from('-VG0001-'), randomBytes(12)]);
}

const MAX_TORRENT = 8 * 1024 * 1024;

/** Throws LookFailure `file.missing`, TargetFailure `http.status`, `listing.none`. */
async function readTorrent({ file, url, listing }: TorrentOptions, context: Context): Promise<Buffer> {
  if (file !== undefined) return readTorrentFile(file);
  if (!listing) return get(url ?? '', context);
  const base = listing.url.endsWith('/') ? listing.url : `${listing.url}/`;
  const entries = parseListing((await get(base, context)).toString('utf8'), base).filter(({ name, isDirectory }) => {
    return !isDirectory && matchesGlob(listing.match, name);
  });
  // Where the index shows no dates, the last by name is the newest of those that are named by version or date.
  entries.sort((a, b) => (b.at ?? 0) - (a.at ?? 0) || b.name.localeCompare(a.name, 'en', { numeric: true }));
  const [newest] = entries;
  if (newest === undefined)
    throw new TargetFailure('listing.none', `no entry like ${cleanText(listing.match, 40)}, expected a torrent`);
  context.trace(`newest is ${cleanText(newest.name, 80)}`);
  return get(newest.url, context);
}

function readTorrentFile(file: string): Buffer {
  try {
    if (statSync(file).size > MAX_TORRENT) throw new LookFailure('file.size', `the torrent is longer than ${MAX_TORRENT} bytes`);
    return readFileSync(file);
  } catch (error) {
    if (error instanceof LookFailure) throw error;
    const reason = cleanText((error as NodeJS.ErrnoException).code ?? 'unknown', 20);
    throw new LookFailure('file.missing', `${cleanText(file, 60)} cannot be read (${reason})`, { cause: error });
  }
}

async function get(url: string, context: Context): Promise<Buffer> {
  const { status, body } = await requestHttp({ url, maxBody: MAX_TORRENT }, context);
  if (status === 200) return body;
  throw new TargetFailure('http.status', `HTTP ${status} for ${cleanText(new URL(url).pathname, 60)}, expected 200`);
}

interface Told {
  tracker: string;
  answer: Announced | TargetFailure | LookFailure;
}

async function askTrackers(bound: TorrentOptions, torrent: Torrent, context: Context): Promise<Told[]> {
  const trackers = bound.trackers ?? torrent.trackers;
  if (trackers.length === 0) throw new LookFailure('torrent.no_tracker', 'the torrent names no tracker: name some in `trackers`');
  const publicOnly = bound.trackers === undefined && !bound.allow_private;
  const peerId = toPeerId();
  const ask = async (tracker: string): Promise<Told> => {
    const what = { torrent, peerId, publicOnly };
    const answer = await tryWithin(bound.peer_timeout, context, async (limited) => {
      if (tracker.startsWith('udp:') && context.via !== null) {
        throw new LookFailure('option.udp', `UDP does not go through proxy ${context.via}`);
      }
      const told = await announce(tracker, { ...what, event: 'started' }, limited);
      // Without a farewell this visit would be counted as a leecher for half an hour.
      await announce(tracker, { ...what, event: 'stopped' }, limited).catch(() => {});
      return told;
    });
    const words = answer instanceof Error ? answer.message : `${answer.seeds} seeds, ${answer.peers.length} peers`;
    context.trace(`${cleanText(new URL(tracker).host, 60)}: ${words}`);
    return { tracker, answer };
  };
  return Promise.all(trackers.map(ask));
}

/** A part of the check has its own deadline, and fails by itself; only a proxy's fault is everybody's. */
async function tryWithin<T>(
  seconds: number,
  context: Context,
  act: (limited: Context) => Promise<T>,
): Promise<T | TargetFailure | LookFailure> {
  const patience = AbortSignal.timeout(seconds * 1000);
  const late = new Promise<never>((_, reject) => {
    patience.addEventListener('abort', () => reject(new TargetFailure('timeout.part', `no answer within ${seconds} s`)));
  });
  try {
    return await Promise.race([act({ ...context, signal: AbortSignal.any([context.signal, patience]) }), late]);
  } catch (error) {
    if (error instanceof TargetFailure) return error;
    if (error instanceof LookFailure && !error.code.startsWith('proxy.')) return error;
    throw error;
  }
}

function toDistinct(peers: Peer[]): Peer[] {
  return [...new Map(peers.map((peer) => [`${peer.host} ${peer.port}`, peer])).values()];
}

interface Seed {
  /** Whether it served a piece that was right; null where it served none. */
  serves: boolean | null;
}

/** The peers that have all pieces. One connection each: clients refuse a second one from the same address. */
async function greet(peers: Peer[], bound: TorrentOptions, look: PeerLook, context: Context): Promise<Seed[]> {
  const seconds = bound.piece ? bound.piece_timeout : bound.peer_timeout;
  const one = async (peer: Peer): Promise<Seed[]> => {
    let complete = false;
    const onComplete = () => {
      complete = true;
    };
    const seen = await tryWithin(seconds, context, (limited) => lookAtPeer(peer, { ...look, onComplete }, limited));
    const words = seen instanceof Error ? `, ${seen.message}` : '';
    context.trace(`peer ${peer.host} port ${peer.port}: ${complete ? 'has' : 'does not prove to have'} all pieces${words}`);
    return complete ? [{ serves: seen instanceof Error ? null : seen.serves }] : [];
  };
  return (await Promise.all(peers.slice(0, bound.max_peers).map(one))).flat();
}

/** null when one of the seeds served a piece that is right; else what they did instead. */
function findServingFault(seeds: Seed[]): string | null {
  if (seeds.some(({ serves }) => serves === true)) return null;
  return seeds.some(({ serves }) => serves === false) ? 'serve what is wrong' : 'serve no piece';
}

function toPart({ tracker, answer }: Told): Part {
  const { protocol, host } = new URL(tracker);
  const name = cleanText(`${protocol}//${host}`, 80);
  if (!(answer instanceof Error)) return { name, state: 'OK', output: `${answer.seeds} seeds, ${answer.peers.length} peers` };
  return { name, state: answer instanceof LookFailure ? 'UNKNOWN' : 'WARNING', output: answer.message };
}
