import { Link, NavLink, Outlet, useNavigate } from 'react-router';
import { useSession } from '../state/session';

export function Layout() {
  const { name, signOut } = useSession();
  const navigate = useNavigate();

  function leave() {
    signOut();
    navigate('/');
  }

  return (
    <>
      {import.meta.env.VITE_NOTICE && <p className="notice">{import.meta.env.VITE_NOTICE}</p>}
      <header>
        <Link to="/" className="brand">Task board</Link>
        <nav aria-label="Main">
          <NavLink to="/" end>Board</NavLink>
          <NavLink to="/settings">Settings</NavLink>
          <NavLink to="/about">About</NavLink>
        </nav>
        {name ? <button onClick={leave}>Sign out</button> : <Link to="/login">Sign in</Link>}
      </header>
      <main>
        <Outlet />
      </main>
      <footer>
        <Link to="/about">About</Link>
        <a href="https://react.dev" target="_blank" rel="noreferrer">Made with React</a>
        <small>{new Date().getFullYear()}</small>
      </footer>
    </>
  );
}
