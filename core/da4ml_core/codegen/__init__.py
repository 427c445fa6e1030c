"""From scheduled programs to hardware description text."""
