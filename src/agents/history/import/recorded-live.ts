/** Owns which sessions of agents nika was there for: what they did is on the bus already, and is not imported. */
import { ALPHA } from '../../../bus/layout.ts';
import { tryParseLine } from '../../../bus/line.ts';
import { typeFilter } from '../../../bus/query/line-filter.ts';
import { findBusFile } from '../../../bus/read/files.ts';
import { readLines } from '../../../bus/read/lines.ts';
import { existsSync } from 'node:fs';
import type { AgentKind } from '../../../model/agent.ts';

const tellsSession = typeFilter('agent_session');

/** The agent's own ids of them. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
export const readRecordedLive = async (busDir: string, agent: AgentKind): Promise<ReadonlySet<string>> => {
  const ids = new Set<string>();
  if (!existsSync(busDir)) return ids;
  for (const part of findBusFile(busDir, ALPHA)?.parts ?? []) {
    for await (const lines of readLines(part)) {
      for (const { kind, text } of lines) {
        const data = kind !== 'torn' && tellsSession(text) ? tryParseLine(text)?.data : undefined;
        if (data === undefined || data['agent'] !== agent || data['via'] === 'import') continue;
        const { agent_session_id: id } = data;
        if (typeof id === 'string') ids.add(id);
      }
    }
  }
  return ids;
};
