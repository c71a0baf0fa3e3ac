export const REMEDY: string;
export function services(env?: Readonly<Record<string, string | undefined>>): Promise<{
  readonly needs: readonly { readonly name: string; readonly isThere: boolean }[];
  readonly env: {
    readonly REDIS_URL: string;
    readonly DATABASE_URL: string;
    readonly BACKPLANE_CHROMIUM: string;
  };
}>;
