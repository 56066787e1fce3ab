/** Owns `docs/reference/notify.md`: what commands and webhooks are given. */
import { noticeSchema } from '../../src/model/notice.ts';
import { schemaTable } from './schema-table.ts';

export const notifyReference = (): string =>
  [
    '# Notifications',
    'The JSON that a command of `notify` reads on its standard input, and that stands in `data` of a webhook ([notifications](../notify.md)). Times are ISO 8601, texts redacted. `waiting` is there for `on: waiting`, else null; `end` where the pod has ended. Further fields may come.',
    schemaTable(noticeSchema, 'output'),
  ].join('\n\n');
