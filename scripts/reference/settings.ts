/** Owns `docs/reference/settings.md`: every setting of `config/nika.yaml`. */
import { settingsSchema } from '../../src/config/settings.ts';
import { schemaTable } from './schema-table.ts';

export const settingsReference = (): string =>
  [
    '# Settings',
    'In `<home>/config/nika.yaml`. Every setting has a default; an unknown one is an error. Sizes are bytes or text such as `64MiB` and `100MB`; durations are text such as `250ms`, `30s`, `1h30m`.',
    'The environment sets one setting at a time: `NIKA_BUS_SEGMENT_BYTES=16MiB` sets `bus.segmentBytes`. `NIKA_HOME` names the home.',
    schemaTable(settingsSchema, 'input'),
  ].join('\n\n');
