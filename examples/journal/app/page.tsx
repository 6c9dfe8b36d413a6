import Link from 'next/link';
import { Weather } from '@/components/weather';
import { allEntries } from '@/lib/entries';

export default function Home() {
  const [latest] = allEntries();
  return (
    <>
      <h1>Walks, written down</h1>
      <p>The latest: <Link href={`/entries/${latest.slug}`}>{latest.title}</Link></p>
      <p><Link href="/entries">All entries</Link></p>
      <Weather />
    </>
  );
}
