import { resolve } from 'node:path';
import type { FleetFigure, FleetSettings } from '../core/configuration.ts';
import type { Definitions } from './define.ts';
import { say } from './problem.ts';
import { getNode, toProblem } from './tree.ts';

export interface FleetValues {
  figures?: FleetFigure[];
  inventory?: { title: string; file?: string; check?: string }[];
}

/** `fleet:` of the global file; what its checks are is seen when the fleet is counted. */
export function resolveFleet(values: FleetValues | undefined, { global, problems }: Definitions, folder: string): FleetSettings {
  const inventory = (values?.inventory ?? []).map(({ title, file, check }) => ({
    title,
    file: file === undefined ? null : resolve(folder, file),
    check: check ?? null,
  }));
  const wrong = inventory.find(({ file, check }) => (file === null) === (check === null));
  const node = getNode(getNode(global.root, 'fleet'), 'inventory');
  if (wrong !== undefined && node !== undefined)
    problems.push(toProblem(node.place, say(`${wrong.title} needs one source`, 'either file or check')));
  return { figures: values?.figures ?? [], inventory, incidents: resolve(folder, 'incidents') };
}
