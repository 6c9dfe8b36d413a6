import type { Metadata } from 'next';
import { EntryList } from '@/components/entry-list';
import { allEntries } from '@/lib/entries';

export const metadata: Metadata = { title: 'Entries' };

export default async function Entries() {
  const entries = allEntries();
  return (
    <>
      <h1>Entries</h1>
      <EntryList entries={entries} />
    </>
  );
}
