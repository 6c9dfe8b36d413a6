import Link from 'next/link';

export function Footer() {
  return (
    <footer>
      <Link href="/about">About</Link>
      <Link href="/archive">Archive</Link>
      <Link href="/write">Write</Link>
      {process.env.NEXT_PUBLIC_SPONSOR && <p>Supported by {process.env.NEXT_PUBLIC_SPONSOR}</p>}
    </footer>
  );
}
