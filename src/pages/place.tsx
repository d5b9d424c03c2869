import type { ClientInfo } from '../lib/client-info.ts';
import { describeCountry } from './device.ts';
import type { Texts } from './texts/texts.ts';

interface PlaceProps {
  readonly client: Pick<ClientInfo, 'ipAddress' | 'country'>;
  /** In place of the address. */
  readonly unknown: string;
  readonly texts: Texts;
}

/** Where a request came from: its address and, if it is known, the country. */
export function Place({ client: { ipAddress, country }, unknown, texts }: PlaceProps) {
  const name = describeCountry(country, texts);
  return (
    <>
      {ipAddress === null ? unknown : <bdi dir="ltr">{ipAddress}</bdi>}
      {name === null ? null : texts.comma + name}
    </>
  );
}
