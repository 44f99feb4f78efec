import { type Defined, type Definitions, getChecks, type SectionName } from './define.ts';
import { didYouMean, say } from './problem.ts';
import { getNode, type Node, toProblem } from './tree.ts';

/** Names of contacts, proxies, profiles and hosts that nothing defines. What is in files that cannot be read is not missed. */
export function findMissingReferences(definitions: Definitions): void {
  if (definitions.isPartial) return;
  const { global, proxies, profiles, hosts, services } = definitions;
  checkLayer(definitions, getNode(global.root, 'defaults'));
  for (const { node } of definitions.contacts.values())
    checkList(definitions, 'contacts', getNode(getNode(node, 'rota'), 'members'));
  for (const proxy of proxies.values()) checkLayer(definitions, getNode(proxy.node, 'defaults'));
  for (const owner of [...profiles.values(), ...hosts.values(), ...services.values()]) checkOwner(definitions, owner);
}

function checkOwner(definitions: Definitions, owner: Defined): void {
  checkLayer(definitions, owner.node);
  for (const { node } of getChecks(owner).values()) checkLayer(definitions, node);
  if (owner.place.segments[0] === 'services') check(definitions, 'hosts', getNode(owner.node, 'host'));
  if (owner.place.segments[0] === 'hosts') {
    checkVia(definitions, getNode(owner.node, 'report'));
    checkList(definitions, 'profiles', getNode(owner.node, 'profiles'));
    checkList(definitions, 'hosts', getNode(owner.node, 'parents'));
  }
}

function checkLayer(definitions: Definitions, layer: Node | undefined): void {
  checkList(definitions, 'contacts', getNode(layer, 'contacts'));
  const escalate = getNode(layer, 'escalate');
  for (const step of escalate?.kind === 'list' ? escalate.items : []) checkList(definitions, 'contacts', getNode(step, 'contacts'));
  checkVia(definitions, layer);
}

function checkVia(definitions: Definitions, layer: Node | undefined): void {
  const via = getNode(layer, 'via');
  if (via?.kind !== 'scalar' || via.value !== 'direct') check(definitions, 'proxies', via);
}

function checkList(definitions: Definitions, section: SectionName, node: Node | undefined): void {
  if (node?.kind === 'list') for (const item of node.items) check(definitions, section, item);
}

const NOUNS: Record<SectionName, string> = {
  contacts: 'contact',
  proxies: 'proxy',
  profiles: 'profile',
  hosts: 'host',
  services: 'service',
};

function check(definitions: Definitions, section: SectionName, node: Node | undefined): void {
  if (node?.kind !== 'scalar' || typeof node.value !== 'string' || definitions[section].has(node.value)) return;
  if (definitions.global.broken.has(section)) return;
  const known = [...definitions[section].keys()];
  const expected =
    known.length === 0
      ? `one that ${section} defines`
      : known.length <= 8
        ? known.join(', ')
        : `one of ${known.length} in ${section}`;
  const message = `${say(`unknown ${NOUNS[section]}`, expected, node.value)}${didYouMean(node.value, known)}`;
  definitions.problems.push(toProblem(node.place, message));
}
