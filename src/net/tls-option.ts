import { type Bound, option } from '../check-type.ts';
import type { TlsSettings } from './tls.ts';

/** The `tls` option that check types share. */
export const tlsOption = option.object(
  'How the certificate is judged.',
  {
    ca: option.text('The only authority that is trusted: path of a PEM file. Default: those of this machine.', { optional: true }),
    pin: option.text('SHA-256 of the certificate or of its public key, hexadecimal or base64: checked beside the chain.', {
      optional: true,
    }),
    verify: option.boolean('Whether chain, dates and name are checked; a pin always is.', { default: true }),
  },
  { optional: true },
);

type Judged = { tls: Bound<{ tls: typeof tlsOption }>['tls']; server_name: string | undefined };

export function toTlsSettings({ tls, server_name: serverName }: Judged, address: string): TlsSettings {
  return { serverName: serverName ?? address, ca: tls?.ca, pin: tls?.pin, verify: tls?.verify ?? true };
}
