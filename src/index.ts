/** The public library API of nika. */
export { NikaError } from './model/error.ts';
export { type NikaMeta, nikaMetaSchema } from './model/envelope.ts';
export { createEntityId, type EntityId, parseEntityId } from './model/id.ts';
export { MESSAGE_SCHEMAS, type MessageData, type MessageType } from './model/message.ts';
