/**
 * Owns the reading of what a program writes: kept for the record, for the log, and shown, no faster than it is looked at.
 *
 * A reader of nika's own output that is slow slows the program down, as any pipe does; nothing piles up (G6).
 */
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { OutputStream } from './output-log.ts';
import type { RunnerContext } from './runner.ts';

const STREAMS: readonly OutputStream[] = ['stdout', 'stderr'];

const holdUntilRoom = (stream: Readable, room: Promise<unknown>): void => {
  stream.pause();
  const goOn = (): void => {
    stream.resume();
  };
  room.then(goOn, goOn);
};

/** `take` is given every piece. */
export const readOutput = (
  child: ChildProcess,
  callId: string,
  { output, host, viewerRoom }: RunnerContext,
  take: (stream: OutputStream, chunk: Buffer) => void,
): void => {
  for (const name of STREAMS) {
    const stream = child[name];
    const decoder = new StringDecoder('utf8');
    stream?.on('data', (chunk: Buffer) => {
      take(name, chunk);
      output.push(name, chunk);
      host.tellProgramOutput(callId, name, decoder.write(chunk));
      const room = viewerRoom();
      if (room !== undefined) holdUntilRoom(stream, room);
    });
    stream?.on('error', () => undefined); // a pipe that breaks ends like one that closes
  }
};
