/** Owns how a program that is a pod itself asks its own door: as over a socket, without one. */
import { NikaError } from '../../model/error.ts';
import type { DoorConnection, PodDoor } from '../socket/protocol.ts';
import { MEMORY_SCHEMAS, type MemoryAnswers, type MemoryOp, type MemoryWish } from './memory-protocol.ts';

const INSIDE: DoorConnection = { number: 0, client: 'the pod', isOwn: true, push: () => undefined };

/** @throws {NikaError} what the door refuses; `NIKA_POD_PROTOCOL` for what no schema lets through */
export const askDoor = async <O extends MemoryOp>(
  door: PodDoor,
  op: O,
  wish: MemoryWish<O>,
): Promise<MemoryAnswers[O]> => {
  const parsed = MEMORY_SCHEMAS[op].safeParse(wish); // JavaScript may give anything
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new NikaError('NIKA_POD_PROTOCOL', `${op}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  return (await door.handle<MemoryOp>(op, parsed.data, INSIDE)) as MemoryAnswers[O];
};
