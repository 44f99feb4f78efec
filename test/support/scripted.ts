import { type RawServer, rawServer } from './raw-server.ts';

/** What the server says to a line: bytes, or it closes, or says nothing. */
export type Answer = string | 'close' | 'hang';

/** A server that speaks a protocol of lines: a greeting, then an answer to each line of the client. */
export function scripted(greeting: Answer, answer: (line: string) => Answer): Promise<RawServer> {
  return rawServer(() => {}, {
    onConnect: (socket) => {
      const give = (text: Answer) => {
        if (text === 'close') socket.end();
        else if (text !== 'hang') socket.write(Buffer.from(text, 'latin1'));
      };
      let waiting = '';
      give(greeting);
      socket.on('data', (bytes) => {
        waiting += bytes.toString('latin1');
        for (let end = waiting.indexOf('\r\n'); end >= 0; end = waiting.indexOf('\r\n')) {
          const line = waiting.slice(0, end);
          waiting = waiting.slice(end + 2);
          give(answer(line));
        }
      });
    },
  });
}
