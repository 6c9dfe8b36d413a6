import Link from 'next/link';

export default function Thanks() {
  return (
    <>
      <h1>See you on the path</h1>
      <p>The next walk arrives by email. <Link href="/entries">Read the old ones</Link></p>
    </>
  );
}
