/** Owns `docs/reference/bus.md`: the line, the envelope, the message types. */
import { TRANSITIONS } from '../../src/model/entity.ts';
import { nikaMetaSchema } from '../../src/model/envelope.ts';
import { isChannelOnly, MESSAGE_SCHEMAS, MESSAGE_TYPES } from '../../src/model/message.ts';
import { schemaTable } from './schema-table.ts';

const LINE = `One line is one JSON object, keys in this order:

\`\`\`json
{"ts":"2026-11-20T11:27:03.123Z","type":"tool_call","entity":"JOB-20261120-k3f9xq2m","writer":"<id>","seq":17,"id":"<uuid v7>","meta":{…},"data":{…},"h":"<hash>"}
\`\`\`

| key | |
|---|---|
| \`ts\` | when, UTC, milliseconds |
| \`type\` | one of the types below; readers keep and show types they do not know |
| \`entity\` | what it is about |
| \`writer\` | the process that wrote it, as long as it had the bus open |
| \`seq\` | counts this writer's lines in this file, from 1 |
| \`id\` | of the event (UUID version 7); the same in both files that a message stands in |
| \`meta\` | the envelope, NIKA_META |
| \`data\` | by type |
| \`h\` | SHA-256 (or HMAC) of the writer's previous \`h\` in this file and this line up to \`,"h"\`; before the first line, of \`<file>\\n<writer>\` |

A line is at most 64 KiB; a longer body is in \`_bus/blobs/<sha256>\` and the line has \`{"$blob", "bytes", "head"}\` in its place.
Check a line by hand: \`printf '%s%s' "$previous_h" "$line_up_to_h" | sha256sum\`.`;

const transitionRow = ({ from, to, event, busType }: (typeof TRANSITIONS)[number]): string =>
  `| ${from.map((state) => state ?? '–').join(', ')} | ${to} | \`${event}\` | \`${busType}\` |`;

const section = (type: keyof typeof MESSAGE_SCHEMAS): string => {
  const where = isChannelOnly(type) ? 'Channel only.' : 'Channel and alpha bus.';
  return `### \`${type}\`\n\n${where}\n\n${schemaTable(MESSAGE_SCHEMAS[type], 'output')}`;
};

export const busReference = (): string =>
  [
    '# Bus messages',
    LINE,
    '## Envelope (`meta`)',
    schemaTable(nikaMetaSchema, 'output'),
    '## Transitions',
    'Anything else is refused and writes nothing.',
    ['| from | to | feed event | bus type |', '|---|---|---|---|', ...TRANSITIONS.map(transitionRow)].join('\n'),
    '## Types and their `data`',
    ...MESSAGE_TYPES.map(section),
  ].join('\n\n');
