/** Owns which parts of a bus may hold what is asked, so that the others are not opened. */
import { basename } from 'node:path';
import { ALPHA, channelName, segmentNumber } from '../layout.ts';
import { type BusFile, type BusFilePart, findBusFile, listBusFiles } from '../read/files.ts';
import type { LineQuery } from './line-filter.ts';

/** The clocks of files and of lines are not the same to the millisecond. */
export const MTIME_SLACK_MS = 60_000;

/** Of one entity its channel, as long as that is there; a SUB has none. Tool calls stand in channels alone. */
const filesFor = (busDir: string, { entity, type }: LineQuery, from: 'all' | 'alpha'): readonly BusFile[] => {
  if (from === 'alpha') return [findBusFile(busDir, ALPHA)].flatMap((file) => file ?? []);
  if (entity !== undefined && !entity.startsWith('SUB-')) {
    const file = findBusFile(busDir, channelName(entity)) ?? findBusFile(busDir, ALPHA);
    return file === undefined ? [] : [file];
  }
  const files = listBusFiles(busDir);
  return type === 'tool_call' ? files.filter(({ name }) => name !== ALPHA) : files;
};

/** Parts last written to before the time that is asked for are left out. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
export const partsFor = (busDir: string, query: LineQuery, from: 'all' | 'alpha' = 'all'): readonly BusFilePart[] => {
  const sinceMs = query.sinceTs === undefined ? -Infinity : Date.parse(query.sinceTs) - MTIME_SLACK_MS;
  return filesFor(busDir, query, from).flatMap(({ parts }) => parts.filter(({ mtimeMs }) => mtimeMs >= sinceMs));
};

/** 0: a channel, 1: the alpha bus. An entity's own order stands in its channel: of lines of one time its lines go first. */
export const rankOf = (path: string): 0 | 1 => {
  const name = basename(path);
  return name === ALPHA || segmentNumber(name) !== undefined ? 1 : 0;
};
