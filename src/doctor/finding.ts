/** Owns what `nika doctor` finds: where, how bad, in words, and what helps. */

export const AREAS = ['node', 'home', 'config', 'disk', 'bus', 'pods', 'record', 'redis', 'qdrant', 'notify'] as const;
export type Area = (typeof AREAS)[number];

/** `info`: so by choice. `degraded`: it works, and could be better. `wrong`: something does not work, or is lost. */
export type FindingStatus = 'ok' | 'info' | 'degraded' | 'wrong';

export interface Finding {
  /** Stable: `<area>.<what>`. */
  readonly id: string;
  readonly area: Area;
  readonly status: FindingStatus;
  /** One line, as it was found. */
  readonly says: string;
  /** What a person can do. */
  readonly remedy?: string;
  /** What was dropped, cut or late, by its names in a session's summary. */
  readonly counts?: Readonly<Record<string, number>>;
  /** All files that it is about, where the words name only some. */
  readonly paths?: readonly string[];
}

/** What a check tells, as soon as it knows. */
export type Tell = (finding: Finding) => void;

type Id = `${Area}.${string}`;

const areaOf = (id: Id): Area => AREAS.find((area) => id.startsWith(`${area}.`)) ?? 'home';

export const ok = (id: Id, says: string): Finding => ({ id, area: areaOf(id), status: 'ok', says });

export const info = (id: Id, says: string, remedy?: string): Finding => ({
  id,
  area: areaOf(id),
  status: 'info',
  says,
  ...(remedy === undefined ? {} : { remedy }),
});

export const degraded = (id: Id, says: string, remedy: string): Finding => ({
  id,
  area: areaOf(id),
  status: 'degraded',
  says,
  remedy,
});

export const wrong = (id: Id, says: string, remedy: string): Finding => ({
  id,
  area: areaOf(id),
  status: 'wrong',
  says,
  remedy,
});

/** `1 file`, `2 files`. */
export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;

const scaled = (bytes: number, step: number, units: readonly string[]): string => {
  let value = bytes;
  let unit = 0;
  while (value >= step - 0.5 && unit < units.length - 1) {
    value /= step;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`;
};

/** `913 B`, `1.4 MB`. */
export const sizeText = (bytes: number): string => scaled(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB']);

/** `913 B`, `1.4 MiB`: memory is set in these. */
export const memoryText = (bytes: number): string => scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);

/** The first three, and how many there are besides. */
export const someOf = (names: readonly string[]): string => {
  const more = names.length - 3;
  return names.slice(0, 3).join(', ') + (more > 0 ? ` and ${more} more` : '');
};
